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

export interface HistoryOptions {
  readonly services: readonly { readonly publishes: PublishedEvents }[]
  readonly possible?: ((earlier: readonly TopicEvent[], event: TopicEvent) => boolean) | undefined
  readonly values?: Chosen | undefined
}

export const isEvent = (step: TopicEvent | Act): step is TopicEvent => 'topic' in step

/** Histories of up to 60 events, less those that aren't possible. */
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
    .tuple(poolsOf([...kinds]), fc.array(step, { maxLength: 80, size: 'max' }), fc.integer({ min: 1, max: 3 }))
    .map(([pools, drafted, workers]) => {
      const steps: (TopicEvent | Act)[] = []
      const byKey = new Map<string, TopicEvent[]>()
      for (const each of drafted) {
        if ('do' in each) {
          steps.push(each)
          continue
        }
        const data = each.draft(pools)
        if (eventFaults(each.contract as Contract<unknown>)(data).length > 0) continue
        const event: TopicEvent = { topic: each.topic, key: each.key(data), name: each.name, data }
        const of = JSON.stringify([event.topic.name, event.key])
        const earlier = byKey.get(of) ?? []
        if (event.key === '' || !possible(earlier, event)) continue
        byKey.set(of, [...earlier, event])
        steps.push(event)
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
