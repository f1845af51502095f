import fc from 'fast-check'
import type { Contract } from '#contracts/contract'
import { eventFaults } from '#contracts/rules'
import type { PublishedEvents } from '#outbox/outbox'
import type { TopicEvent } from './records.ts'
import { type Chosen, draftsOf, kindsIn, poolsOf } from './values.ts'

/** What happens to the workers of a topology while events come in. */
export type Act =
  | {
      readonly do: 'epoch'
      readonly worker: number
      readonly most: number
      readonly outcome: 'commit' | 'crash' | 'undone'
    }
  | { readonly do: 'restart'; readonly worker: number }

/** Events in the order in which they stand on their topics, with what befalls the workers between them. */
export interface History {
  readonly steps: readonly (TopicEvent | Act)[]
  readonly workers: number
}

/**
 * Whether a service would publish an event after the earlier ones of its key, which is the same; or with which data it
 * would, where an event has to agree with them.
 */
export type Possible = (earlier: readonly TopicEvent[], event: TopicEvent) => boolean | object

export interface HistoryOptions {
  readonly services: readonly { readonly publishes: PublishedEvents }[]
  readonly possible?: Possible | undefined
  readonly values?: Chosen | undefined
}

export const isEvent = (step: TopicEvent | Act): step is TopicEvent => 'topic' in step

/** How many events a history has, at most; many more are drafted, since few of them may be possible. */
const MOST = 60
const DRAFTED = 300

export function historiesOf({ services, possible = () => true, values = {} }: HistoryOptions): fc.Arbitrary<History> {
  const kinds = new Set<string>()
  const kindsOfEvent = services.flatMap(({ publishes: { topic, byName } }) =>
    Object.entries(topic.events).map(([name, contract]) => {
      for (const kind of kindsIn(contract.schema, values)) kinds.add(kind)
      const key = byName.get(contract.name)!.key
      return draftsOf(contract.schema, values).map((draft) => ({ topic, name, contract, key, draft }))
    }),
  )
  const step = fc.oneof({ weight: 3, arbitrary: fc.oneof(...kindsOfEvent) }, { weight: 1, arbitrary: act })
  return fc
    .tuple(poolsOf([...kinds]), fc.array(step, { maxLength: DRAFTED, size: 'max' }), fc.integer({ min: 1, max: 3 }))
    .map(([pools, drafted, workers]) => {
      const steps: (TopicEvent | Act)[] = []
      const byKey = new Map<string, TopicEvent[]>()
      let events = 0
      for (const each of drafted) {
        if (events === MOST) break
        if ('do' in each) {
          steps.push(each)
          continue
        }
        const drafted = each.draft(pools)
        const key = each.key(drafted)
        const of = JSON.stringify([each.topic.name, key])
        const earlier = byKey.get(of) ?? []
        const said = possible(earlier, { topic: each.topic, key, name: each.name, data: drafted })
        if (said === false || key === '') continue
        const data = said === true ? drafted : said
        if (each.key(data) !== key) throw new Error(`\`possible\` gave the ${each.name} of "${key}" another key`)
        if (eventFaults(each.contract as Contract<unknown>)(data).length > 0) continue
        const event: TopicEvent = { topic: each.topic, key, name: each.name, data }
        byKey.set(of, [...earlier, event])
        steps.push(event)
        events++
      }
      return { steps, workers }
    })
}

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('epoch' as const),
      worker: fc.nat(2),
      most: fc.integer({ min: 1, max: 4 }),
      outcome: fc.constantFrom('commit' as const, 'commit' as const, 'crash' as const, 'undone' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), worker: fc.nat(2) }) },
)
