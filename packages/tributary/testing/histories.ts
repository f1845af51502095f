import fc from 'fast-check'
import type { Contract } from '#contracts/contract'
import { eventFaults } from '#contracts/rules'
import type { EventsTopic } from '#contracts/topic'
import type { PublishedEvents } from '#outbox/outbox'
import type { Tombstone, TopicEvent } from './records.ts'
import { type Chosen, type Draft, draftsOf, type Pools, poolsOf } from './values.ts'

/** What happens to the workers of a topology while events come in. */
export type Act =
  | {
      readonly do: 'epoch'
      readonly worker: number
      readonly most: number
      readonly outcome: 'commit' | 'crash' | 'undone'
    }
  | { readonly do: 'restart'; readonly worker: number }

export type Step = TopicEvent | Tombstone | Act

/** Events and tombstones in the order in which they stand on their topics, with what befalls the workers between them. */
export interface History {
  readonly steps: readonly Step[]
  readonly workers: number
}

/**
 * Whether a service would publish an event after the earlier ones of its key, which is the same; or with which data it
 * would, where an event has to agree with them. None are earlier than a tombstone of the key.
 */
export type Possible = (earlier: readonly TopicEvent[], event: TopicEvent) => boolean | object

export interface HistoryOptions {
  readonly services: readonly { readonly publishes: PublishedEvents }[]
  readonly possible?: Possible | undefined
  readonly values?: Chosen | undefined
}

export const isRecord = (step: Step): step is TopicEvent | Tombstone => 'topic' in step
export const isEvent = (step: Step): step is TopicEvent => 'data' in step

/** The events that are left of a history: those whose key is not erased after them. */
export function lasting({ steps }: History): readonly TopicEvent[] {
  const erased = new Set<string>()
  const left: TopicEvent[] = []
  for (const step of steps.toReversed().filter(isRecord)) {
    if (!isEvent(step)) erased.add(placeOf(step))
    else if (!erased.has(placeOf(step))) left.push(step)
  }
  return left.reverse()
}

const placeOf = ({ topic, key }: { readonly topic: { readonly name: string }; readonly key: string }) =>
  JSON.stringify([topic.name, key])

/** How many events a history has, at most; many more are drafted, since few of them may be possible. */
const MOST = 80
const DRAFTED = 600

export function historiesOf({ services, possible = () => true, values = {} }: HistoryOptions): fc.Arbitrary<History> {
  const kinds = services.flatMap(({ publishes: { topic, byName } }) =>
    Object.entries(topic.events).map(([name, contract]): KindOfEvent => {
      return { topic, name, contract: contract as Contract<unknown>, keyOf: byName.get(contract.name)!.key }
    }),
  )
  const schemas = kinds.map(({ contract }) => contract.schema)
  const draft = fc.oneof(
    ...kinds.map((kind) => draftsOf(kind.contract.schema, values).map((data): Drafted => ({ kind, data }))),
  )
  const step = fc.oneof(
    { weight: 24, arbitrary: draft },
    { weight: 8, arbitrary: act },
    { weight: 2, arbitrary: erasure },
  )
  return fc
    .tuple(
      poolsOf(schemas, values),
      fc.array(step, { maxLength: DRAFTED, size: 'max' }),
      fc.integer({ min: 1, max: 3 }),
    )
    .map(([pools, drafted, workers]) => ({ steps: stepsOf(drafted, pools, possible), workers }))
}

interface KindOfEvent {
  readonly topic: EventsTopic
  readonly name: string
  readonly contract: Contract<unknown>
  readonly keyOf: (data: object) => string
}
interface Drafted {
  readonly kind: KindOfEvent
  readonly data: Draft
}
/** The end of a key that something happened to, one of those that there are; with all whose events name it, or alone. */
interface Erasure {
  readonly erases: number
  readonly naming: boolean
}

/** What of the drafts happens. An event that isn't possible yet waits for those of its key that make it so. */
function stepsOf(drafted: readonly (Act | Erasure | Drafted)[], pools: Pools, possible: Possible): readonly Step[] {
  const steps: Step[] = []
  const living = new Map<string, TopicEvent[]>()
  const waiting = new Map<string, TopicEvent[]>()
  const kindOf = new Map<TopicEvent, KindOfEvent>()
  let events = 0
  const happens = (draft: TopicEvent): boolean => {
    const place = placeOf(draft)
    const earlier = living.get(place) ?? []
    const answer = possible(earlier, draft)
    if (answer === false) return false
    const { contract, keyOf } = kindOf.get(draft)!
    const event = answer === true ? draft : { ...draft, data: answer }
    if (keyOf(event.data as object) !== draft.key)
      throw new Error(`\`possible\` gave the ${draft.name} of "${draft.key}" another key`)
    if (eventFaults(contract)(event.data).length > 0) return false
    living.set(place, [...earlier, event])
    steps.push(event)
    events++
    return true
  }
  for (const each of drafted) {
    if (events === MOST) break
    if ('do' in each) steps.push(each)
    else if ('erases' in each) {
      const event = [...living.values()][each.erases % living.size]?.[0]
      if (event === undefined) continue
      const names = ({ data }: TopicEvent) => Object.values(data as object).includes(event.key)
      for (const [place, events] of living) {
        const { topic, key } = events[0]!
        if (place !== placeOf(event) && !(each.naming && events.some(names))) continue
        living.delete(place)
        steps.push({ topic, key, erased: true })
      }
    } else {
      const { topic, name, keyOf } = each.kind
      const data = each.data(pools) as object
      const draft: TopicEvent = { topic, key: keyOf(data), name, data }
      if (draft.key === '') continue
      kindOf.set(draft, each.kind)
      const place = placeOf(draft)
      const others = waiting.get(place) ?? []
      if (happens(draft)) {
        const next = events < MOST ? others.findIndex(happens) : -1
        if (next >= 0) waiting.set(place, others.toSpliced(next, 1))
      } else waiting.set(place, [...others, draft])
    }
  }
  return steps
}

const erasure: fc.Arbitrary<Erasure> = fc.record({ erases: fc.nat(100), naming: fc.boolean() })

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
