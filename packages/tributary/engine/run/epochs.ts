import { closingRecord } from '#runtime/dead-letters/letter'
import { writeStamp } from '#runtime/stamp'
import { purge } from '../kafka/admin.ts'
import type { NewRecord } from '../kafka/records.ts'
import { type Aside, deadLetterRecord, rowLetter, toDeadLetters } from './dead-letters.ts'
import { firstLimit, nextLimit } from './epoch-size.ts'
import { takeExchanged } from './exchange.ts'
import { partitionOf } from './partitioner.ts'
import type { Session, Workings } from './session.ts'
import type { EpochOutput } from './tasks.ts'
import type { WorkerState } from './worker-state.ts'

const PURGE_MS = 30_000

/**
 * Takes in what has come, works it off, and writes outputs, messages to other workers, changed state and input positions in
 * one transaction.
 */
export class Epochs {
  readonly #workings: Workings
  readonly #state: WorkerState
  #limit: number = firstLimit
  #purgedAt = Date.now()

  constructor(workings: Workings, state: WorkerState) {
    this.#workings = workings
    this.#state = state
  }

  /** How many records the next epoch takes in at most. */
  get limit(): number {
    return this.#limit
  }

  /** Gives false when there was nothing to take in. */
  async run(session: Session): Promise<boolean> {
    const { metrics } = this.#workings.options
    const { exchange, changelog, inputs, outputs } = this.#workings.topics
    const state = this.#state
    const { intake, replay, schemas } = session
    const aside: Aside = { letters: [], closings: [] }
    const counts = new Map<string, number>()
    const stamp = state.begin()
    const began = performance.now()
    const waitedMs = session.inbound.waitedMs
    let taken = 0

    for await (const { topic, partition, record } of session.inbound.take(this.#limit)) {
      taken++
      if (topic === exchange) {
        takeExchanged(topic, partition, record, { tasks: state.tasks, replay }, aside)
        continue
      }
      let waits = intake.take(topic, partition, record, aside)
      while (waits && (await schemas.soon(waits))) waits = intake.take(topic, partition, record, aside)
      if (waits) {
        taken--
        session.inbound.hold(topic, partition, waits)
        continue
      }
      counts.set(topic, (counts.get(topic) ?? 0) + 1)
    }
    if (taken === 0 && !replay.pending && !state.tasks.rewriting) {
      state.nothingBegun()
      return false
    }
    await replay.run((topic, partition) => session.inbound.takenUpTo(topic, partition), aside)
    for (const partition of session.barriers.passed()) state.tasks.openDirect(partition)
    const output = state.tasks.run()
    replay.mended(output.mended, aside)
    const records = this.#recordsOf(output, aside, session.ids)
    const changed = new Set(records.flatMap(({ topic, partition }) => (topic === changelog ? [partition] : [])))
    const takenUpTo = (topic: string, partition: number) => session.inbound.takenUpTo(topic, partition)
    const anew = state.tasks.rewriting ? state.anew : []
    // That all rows are written again is true of every partition, whether or not this epoch changes it.
    if (anew.length < state.anew.length) for (const partition of session.membership.partitions) changed.add(partition)
    const ids = new Map([...session.ids, ...anew.map((topic) => [topic, ''] as const)])
    const known = new Map([...inputs, ...outputs].map((topic) => [topic, ids.get(topic) ?? '']))
    const positions = state.positions.changes(changed, inputs, takenUpTo, known)
    const forms = state.forms.changes(changed)
    for (const change of [...positions, ...forms]) records.push({ topic: changelog, ...change })
    const worked = performance.now()
    const offsets = this.#offsetsOf(session, stamp, ids)
    await session.producer.commit(records, offsets, session.membership)
    state.commit(session.membership.partitions, positions, forms)
    state.anew = anew
    for (const { topic, partition, offset } of offsets) session.committed.set(`${topic}/${partition}`, offset)
    await session.barriers.raiseBehind(output.exchange)

    const workMs = worked - began - (session.inbound.waitedMs - waitedMs)
    this.#limit = nextLimit(this.#limit, { taken, workMs, behind: session.inbound.behind })
    metrics.epochs.inc({ outcome: 'committed' })
    metrics.epochSeconds.observe({ phase: 'work' }, workMs / 1_000)
    metrics.epochSeconds.observe({ phase: 'commit' }, (performance.now() - worked) / 1_000)
    for (const [topic, count] of counts) metrics.recordsIn.inc({ topic }, count)
    for (const [topic, ofTopic] of Map.groupBy(records, ({ topic }) => topic)) {
      metrics.recordsOut.inc({ topic }, ofTopic.length)
    }
    for (const [topic, lag] of session.inbound.lag()) metrics.lag.set({ topic }, lag)
    metrics.stateRows.set(state.tasks.rows)
    this.#purge(session)
    return true
  }

  #recordsOf(output: EpochOutput, { letters, closings }: Aside, ids: ReadonlyMap<string, string>): NewRecord[] {
    const { app, metrics } = this.#workings.options
    const { exchange, changelog } = this.#workings.topics
    const records: NewRecord[] = []
    for (const { sink, key, value } of output.outputs) {
      const { topic } = sink
      records.push({ topic: topic.name, partition: partitionOf(key, topic.partitions), key, value })
    }
    for (const { partition, value } of output.exchange) records.push({ topic: exchange, partition, key: null, value })
    for (const { partition, key, value } of output.changelog) records.push({ topic: changelog, partition, key, value })
    for (const change of this.#state.parking.changes()) records.push({ topic: changelog, ...change })
    for (const { operator, partition, key, error, reason } of output.failures) {
      letters.push(rowLetter(reason, operator, partition, key, error))
    }
    const now = new Date()
    for (const letter of letters) {
      const topicId = ids.get(letter.topic)
      records.push(deadLetterRecord(app, topicId === undefined ? letter : { ...letter, topicId }, now))
      metrics.deadLetters.inc({ reason: letter.reason })
    }
    for (const closing of closings) records.push(toDeadLetters(app, closingRecord({ ...closing, app }, now)))
    return records
  }

  /** The positions that moved, and the stamp beside the exchange's position of every partition. */
  #offsetsOf(session: Session, commit: string, ids: ReadonlyMap<string, string>) {
    const { membership, inbound, committed } = session
    const { exchange, inputs, stamped } = this.#workings.topics
    const stamp = writeStamp({ commit, topics: new Map(stamped.map((topic) => [topic, ids.get(topic) ?? ''])) })
    return inputs.flatMap((topic) =>
      membership.partitions.flatMap((partition) => {
        const offset = inbound.takenUpTo(topic, partition)
        if (topic === exchange) return [{ topic, partition, offset, metadata: stamp }]
        return committed.get(`${topic}/${partition}`) === offset ? [] : [{ topic, partition, offset, metadata: '' }]
      }),
    )
  }

  /** Deletes exchanged messages that are committed as taken. In passing: a failure is tried again next time. */
  #purge(session: Session): void {
    if (Date.now() - this.#purgedAt < PURGE_MS) return
    this.#purgedAt = Date.now()
    const { exchange } = this.#workings.topics
    const before = session.membership.partitions.map((partition) => ({
      partition,
      offset: session.inbound.takenUpTo(exchange, partition),
    }))
    purge(
      this.#workings.clusters.transactions,
      exchange,
      before.filter(({ offset }) => offset > 0),
    ).catch((err) => this.#workings.options.log.warn({ err }, 'exchanged messages could not be purged'))
  }
}
