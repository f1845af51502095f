import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Codec } from '#contracts/codec'
import type { Contract } from '#contracts/contract'
import { closingRecord } from '#runtime/dead-letters/letter'
import type { Concern } from '#runtime/health'
import type { KafkaAt } from '#runtime/kafka-at'
import type { Log } from '#runtime/log'
import { readStamp, writeStamp } from '#runtime/stamp'
import { EngineError } from '../errors.ts'
import { checkTopics, createMissingTopics, listOffsets, purge, stableCommits } from '../kafka/admin.ts'
import { Cluster } from '../kafka/cluster.ts'
import { faultOf, isInfrastructure } from '../kafka/faults.ts'
import { fetchRecords } from '../kafka/fetcher.ts'
import { Group, type Membership } from '../kafka/group.ts'
import { TransactionalProducer } from '../kafka/producer.ts'
import type { NewRecord } from '../kafka/records.ts'
import type { Plan } from '../plan/plan.ts'
import { MemoryStore } from '../state/memory.ts'
import { Barriers } from './barriers.ts'
import { type Aside, deadLetterRecord, deadLettersOf, rowLetter, toDeadLetters } from './dead-letters.ts'
import { firstLimit, nextLimit } from './epoch-size.ts'
import { takeExchanged } from './exchange.ts'
import { Inbound } from './inbound.ts'
import { Intake } from './intake.ts'
import { changelogOf, exchangeOf, internalTopics } from './internal-topics.ts'
import { lostOf, readLetters, wasDropped } from './lost-letters.ts'
import type { EngineMetrics } from './metrics.ts'
import { Parking } from './parking.ts'
import { partitionOf } from './partitioner.ts'
import { Positions } from './positions.ts'
import { resetRemedy } from './remedy.ts'
import { Replay, type Reread } from './replay.ts'
import { restore } from './restore.ts'
import { Schemas } from './schemas.ts'
import { formOf, StateForms } from './state-form.ts'
import { type EpochOutput, TaskSet } from './tasks.ts'

export interface WorkerOptions {
  readonly plan: Plan
  /** Consumer group, and prefix of the internal topics' names. */
  readonly app: string
  /** Which of the app's workers this is; two of the same slot fence each other. */
  readonly slot: number
  readonly brokers: KafkaAt
  readonly codec: Codec
  readonly log: Log
  readonly metrics: EngineMetrics
  /** The least time from the beginning of one epoch to that of the next, in ms: 0 for none. */
  readonly paceMs: number
  /** What people forget the app's state with, so that it reads everything again: it is named where nothing else helps. */
  readonly resetCommand: string
}

const PURGE_MS = 30_000
/** How often it is looked whether the topics are still the same, in ms: by their names nobody can tell. */
const TOPICS_MS = 2_000
const REREAD = { maxBytes: 1_000_000, maxPartitionBytes: 1_000_000, maxWaitMs: 100 }
const RETRY_MS = { least: 100, most: 1_000 }

interface Session {
  readonly membership: Membership
  readonly producer: TransactionalProducer
  /** Of all topics, by name, as the session found them. */
  readonly ids: ReadonlyMap<string, string>
  readonly inbound: Inbound
  readonly intake: Intake
  readonly schemas: Schemas
  readonly replay: Replay
  /** Positions as they were last committed, by `topic/partition`. */
  readonly committed: Map<string, number>
  readonly barriers: Barriers
}

/**
 * Runs a plan against Kafka. One epoch after another: take in what has come, work it off, and write outputs,
 * messages to other workers, changed state and input positions in one transaction.
 *
 * Each commit leaves a stamp beside the positions of every partition it owns. After an error the outcome of the last
 * transaction is unknown; the stamps, read back once the broker has settled it, tell whether it was committed, and
 * for each partition whether the state held here is still the last one.
 */
export class Worker {
  readonly #options: WorkerOptions
  readonly #tasks: TaskSet
  readonly #id = randomUUID().slice(0, 8)
  readonly #clusters: { readonly fetch: Cluster; readonly transactions: Cluster; readonly group: Cluster }
  readonly #group: Group
  readonly #parking = new Parking()
  readonly #positions = new Positions()
  readonly #forms: StateForms
  readonly #inputs: readonly string[]
  readonly #outputs: readonly string[]
  /** Topics whose ids are known to the stamps. */
  readonly #stamped: readonly string[]
  /** The stamp that each partition's state stands at. */
  readonly #stamps = new Map<number, string>()
  #unsettled: string | undefined
  #epoch = 0
  #limit = firstLimit
  #purgedAt = Date.now()
  #topicsAt = Date.now()
  /** Outputs whose rows are being written again. */
  #anew: readonly string[] = []
  #state: 'starting' | 'restoring' | 'running' | 'retrying' | 'stopped' = 'starting'
  #trouble: string | undefined
  #away: string | undefined
  #stopping = false

  constructor(options: WorkerOptions) {
    const { plan, app, slot, brokers } = options
    this.#options = options
    this.#forms = new StateForms(formOf(plan))
    const cluster = new Cluster({ brokers, clientId: `${app}-${slot}` })
    this.#clusters = { fetch: cluster, transactions: cluster.fork(), group: cluster.fork() }
    this.#inputs = [...plan.sources.map(({ topic }) => topic.name), exchangeOf(app)]
    this.#outputs = plan.sinks.map(({ topic }) => topic.name)
    const rowsRead = plan.sources.flatMap(({ kind, topic }) => (kind === 'rows' ? [topic.name] : []))
    this.#stamped = [changelogOf(app), ...rowsRead, ...this.#outputs]
    this.#group = new Group({
      cluster: this.#clusters.group,
      group: app,
      instanceId: `${app}-${slot}`,
      partitions: plan.partitions,
      topics: this.#inputs,
    })
    this.#tasks = new TaskSet(
      plan,
      (_, name, storeOptions) => new MemoryStore(name, storeOptions),
      ({ topic }, row) => options.codec.encode(topic.row, row),
    )
  }

  /** Why the worker doesn't work off its input, or undefined when it does. */
  trouble(): string | undefined {
    return this.#state === 'running' ? undefined : `${this.#state}${this.#trouble ? `: ${this.#trouble}` : ''}`
  }

  /** What isn't well though it works. */
  concerns(): readonly Concern[] {
    const { app: part } = this.#options
    const concerns: Concern[] = []
    if (this.#away !== undefined) {
      const what = `records wait for their schemas: ${this.#away}`
      concerns.push({ part, what, remedy: 'start the schema registry' })
    }
    for (const topic of this.#anew) {
      concerns.push({ part, what: `topic "${topic}" was made anew: all rows are being written to it again` })
    }
    const { size } = this.#parking
    if (size > 0) {
      const what = `${size === 1 ? 'a key waits' : `${size} keys wait`} behind dead letters`
      concerns.push({ part, what, remedy: `npx --no tributary dead-letters list ${part}` })
    }
    return concerns
  }

  /** Runs until `stop`. Throws what can't be healed here; what can is retried with back-off for as long as it takes. */
  async run(): Promise<void> {
    const { plan, codec, log } = this.#options
    const contracts: Contract<unknown>[] = [
      ...plan.sources.flatMap((source): Contract<unknown>[] =>
        source.kind === 'events' ? Object.values(source.topic.events) : [source.topic.row],
      ),
      ...plan.sinks.map(({ topic }) => topic.row),
    ]
    await codec.prepare(contracts)
    let attempt = 0
    while (!this.#stopping) {
      try {
        await this.#session(() => {
          attempt = 0
        })
      } catch (error) {
        if (!isInfrastructure(error) || isTakenOver(error)) throw error
        this.#state = 'retrying'
        this.#trouble = (error as Error).message
        const wait = Math.min(RETRY_MS.most, RETRY_MS.least * 2 ** attempt++)
        log.warn({ fault: faultOf(error), reason: this.#trouble }, `working off stopped; again in ${wait} ms`)
        // A connection that doesn't answer any more may still look connected: all of them are opened anew.
        await Promise.all(Object.values(this.#clusters).map((cluster) => cluster.close()))
        for (const cluster of Object.values(this.#clusters)) cluster.forgetCoordinators()
        await delay(wait)
      }
    }
  }

  /** Ends after the epoch under way, and leaves the group. */
  async stop(): Promise<void> {
    this.#stopping = true
    while (this.#state === 'running' || this.#state === 'restoring') await delay(10)
    await this.#group.leave().catch(() => {})
    await this.close()
  }

  /** Lets go of all connections. */
  async close(): Promise<void> {
    this.#state = 'stopped'
    this.#group.close()
    await Promise.all(Object.values(this.#clusters).map((cluster) => cluster.close()))
  }

  /** From joining the group to the next rebalance. */
  async #session(onRunning: () => void): Promise<void> {
    const { log, metrics } = this.#options
    const session = await this.#take(await this.#join())
    metrics.partitions.set(session.membership.partitions.length)
    this.#state = 'running'
    this.#trouble = undefined
    log.info({ partitions: session.membership.partitions, stateRows: this.#tasks.rows }, 'running')
    let began = 0
    try {
      while (!this.#stopping && this.#group.fault === undefined) {
        if (session.membership.partitions.length === 0) {
          await delay(100)
          continue
        }
        if (!(await this.#sameTopics(session))) {
          log.warn('a topic was deleted and made anew: joining again')
          break
        }
        await session.inbound.wait()
        if (session.inbound.behind < this.#limit) await this.#pace(began)
        const now = performance.now()
        if (await this.#runEpoch(session)) began = now
        this.#away = session.schemas.away
        onRunning()
      }
      if (this.#group.fault) log.info({ fault: this.#group.fault }, 'the group changes: joining again')
    } finally {
      session.schemas.stop()
      this.#away = undefined
      this.#state = this.#stopping ? 'stopped' : 'starting'
    }
  }

  /**
   * The first change after a quiet moment is worked off at once, those right behind it together: a transaction costs
   * the broker the same for one record as for fifty.
   */
  async #pace(began: number): Promise<void> {
    const early = began + this.#options.paceMs - performance.now()
    if (early > 0) await delay(early)
  }

  async #join(): Promise<{ membership: Membership; producer: TransactionalProducer }> {
    const { plan, app, slot } = this.#options
    const { fetch, transactions, group } = this.#clusters
    await createMissingTopics(fetch, internalTopics(app, plan.partitions))
    const deadLetters = deadLettersOf(app)
    await checkTopics(fetch, [...this.#inputs, changelogOf(app)], plan.partitions)
    await transactions.learn([...this.#inputs, changelogOf(app), deadLetters, ...this.#outputs])
    group.forgetCoordinators()
    const membership = await this.#group.join()
    const producer = await TransactionalProducer.open(transactions, `${app}-${slot}`)
    return { membership, producer }
  }

  /** Settles what is unsettled, and brings the state of the partitions it was given up to date. */
  async #take(joined: { membership: Membership; producer: TransactionalProducer }): Promise<Session> {
    const { plan, app, codec, log, metrics } = this.#options
    const { membership } = joined
    const { partitions } = membership
    const { fetch, transactions } = this.#clusters
    const exchange = exchangeOf(app)
    const commits = await stableCommits(this.#clusters.transactions, app, this.#inputs, partitions)
    const stamps = new Map(partitions.map((p) => [p, readStamp(commits.get(`${exchange}/${p}`)?.metadata ?? '')]))
    const stampOf = (partition: number) => stamps.get(partition)?.commit ?? ''
    const ids = this.#idsOf([...this.#inputs, ...this.#outputs, changelogOf(app), deadLettersOf(app)])
    if (this.#positions.madeAnew([changelogOf(app)], stamps, ids).length > 0) throw this.#stateLost()
    // Tasks that were others' may have sent messages that aren't taken in yet, to those that stay here as well.
    this.#tasks.closeDirect()
    this.#settle(partitions.filter((p) => this.#tasks.partitions.includes(p)).map(stampOf))

    for (const partition of this.#tasks.partitions) {
      if (partitions.includes(partition) && stampOf(partition) === this.#stamps.get(partition)) continue
      this.#tasks.remove(partition)
      this.#parking.remove(partition)
      this.#positions.remove(partition)
      this.#forms.remove(partition)
    }
    const fresh = partitions.filter((partition) => !this.#tasks.partitions.includes(partition))
    for (const partition of fresh) {
      this.#tasks.add(partition)
      this.#stamps.set(partition, stampOf(partition))
    }
    if (fresh.length > 0) {
      this.#state = 'restoring'
      const began = performance.now()
      try {
        const load = (partition: number, key: string, value: string | null) => {
          if (this.#forms.load(partition, key, value)) return
          if (this.#positions.load(partition, key, value) || this.#parking.load(partition, key, value)) return
          this.#tasks.load(partition, key, value)
        }
        const remedy = resetRemedy(app, this.#options.resetCommand)
        const read = await restore(fetch, changelogOf(app), fresh, load, remedy)
        const seconds = (performance.now() - began) / 1_000
        metrics.restored.inc(read)
        metrics.restoreSeconds.set(seconds)
        log.info({ partitions: fresh, records: read, seconds }, 'state restored')
      } catch (error) {
        for (const partition of fresh) {
          this.#tasks.remove(partition)
          this.#parking.remove(partition)
          this.#positions.remove(partition)
          this.#forms.remove(partition)
        }
        throw error
      }
    }

    this.#forms.check({ app, command: this.#options.resetCommand })
    const wanted = this.#inputs.flatMap((topic) => partitions.map((partition) => ({ topic, partition })))
    const starts = await listOffsets(fetch, 'earliest', wanted)
    const positions = wanted.map(({ topic, partition }) => {
      const place = `${topic}/${partition}`
      const start = starts.get(place) ?? 0
      const kept = this.#positions.of(partition, topic)
      // What was purged from the exchange topic had been taken in.
      const restored = kept !== undefined && topic === exchange ? Math.max(kept, start) : kept
      return { topic, partition, offset: commits.get(place)?.offset ?? restored ?? start }
    })
    const writers = plan.sources.map((s) => [s.topic.name, s.kind === 'rows' ? s.topic.readModel : undefined] as const)
    this.#positions.check(new Map([...writers, [exchange, undefined]]), stamps, ids, {
      app,
      command: this.#options.resetCommand,
    })
    this.#anew = this.#positions.madeAnew(this.#outputs, stamps, ids)
    this.#tasks.rewrite(this.#anew)
    for (const topic of this.#anew) log.warn({ topic }, 'the topic was made anew: all rows are written to it again')
    const lost = partitions.filter((p) => !commits.has(`${exchange}/${p}`))
    if (lost.length > 0) log.info({ partitions: lost }, 'the group has no offsets: positions are those of the state')
    const inbound = new Inbound((from, limits) => fetchRecords(fetch, from, limits), positions, exchange)
    const schemas = new Schemas(codec, log)
    const letters = await readLetters(transactions, deadLettersOf(app))
    const intake = new Intake(plan, schemas, this.#tasks, this.#parking, wasDropped(letters, ids))
    const barriers = new Barriers(fetch, exchange, inbound)
    await barriers.raise(partitions)
    const replay = new Replay(intake, schemas, this.#tasks, this.#parking, this.#reread())
    replay.again(lostOf(this.#parking, this.#tasks, letters))
    return {
      ...joined,
      ids,
      inbound,
      intake,
      schemas,
      replay,
      committed: new Map([...commits].map(([place, { offset }]) => [place, offset])),
      barriers,
    }
  }

  #idsOf(topics: readonly string[]): Map<string, string> {
    return new Map(topics.map((topic) => [topic, this.#clusters.transactions.topicId(topic)]))
  }

  /** An empty changelog in the place of one that was deleted would be read as if nothing had ever been worked off. */
  #stateLost(): EngineError {
    const { app, resetCommand } = this.#options
    return new EngineError(
      'TOPIC_REPLACED',
      `topic "${changelogOf(app)}" was deleted and made again: the state that "${app}" kept in it is lost. ` +
        resetRemedy(app, resetCommand),
    )
  }

  /** False when a topic was deleted and made again since the session began, which its name doesn't tell. */
  async #sameTopics({ ids }: Session): Promise<boolean> {
    if (Date.now() - this.#topicsAt < TOPICS_MS) return true
    this.#topicsAt = Date.now()
    const { transactions } = this.#clusters
    await transactions.learn([...ids.keys()])
    return [...ids].every(([topic, id]) => transactions.topicId(topic) === id)
  }

  /** Not over the connections on which fetches wait for new records. */
  #reread(): Reread {
    const { transactions } = this.#clusters
    return {
      earliest: async (topic, partition) => {
        const starts = await listOffsets(transactions, 'earliest', [{ topic, partition }])
        return starts.get(`${topic}/${partition}`) ?? 0
      },
      fetch: async (position) => (await fetchRecords(transactions, [position], REREAD))[0]!,
    }
  }

  /** Learns from the stamps read back whether the transaction of unknown outcome was committed. */
  #settle(stamps: readonly string[]): void {
    if (this.#unsettled === undefined) return
    const { log, metrics } = this.#options
    const committed = stamps.includes(this.#unsettled)
    log.info({ committed }, 'the outcome of the last epoch is known')
    if (committed) {
      this.#tasks.commit()
      this.#parking.commit()
      for (const partition of this.#tasks.partitions) this.#stamps.set(partition, this.#unsettled)
    } else {
      this.#tasks.rollback()
      this.#parking.rollback()
    }
    metrics.epochs.inc({ outcome: committed ? 'committed' : 'undone' })
    this.#unsettled = undefined
  }

  /** Gives false when there was nothing to take in. */
  async #runEpoch(session: Session): Promise<boolean> {
    const { app, metrics } = this.#options
    const exchange = exchangeOf(app)
    const { intake, replay, schemas } = session
    const aside: Aside = { letters: [], closings: [] }
    const counts = new Map<string, number>()
    // From here on the tasks hold what isn't committed: whatever goes wrong, it must be settled.
    const stamp = `${this.#id}-${++this.#epoch}`
    this.#unsettled = stamp
    const began = performance.now()
    const waitedMs = session.inbound.waitedMs
    let taken = 0

    for await (const { topic, partition, record } of session.inbound.take(this.#limit)) {
      taken++
      if (topic === exchange) {
        takeExchanged(topic, partition, record, { tasks: this.#tasks, replay }, aside)
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
    if (taken === 0 && !replay.pending && !this.#tasks.rewriting) {
      this.#unsettled = undefined
      return false
    }
    await replay.run((topic, partition) => session.inbound.takenUpTo(topic, partition), aside)
    for (const partition of session.barriers.passed()) this.#tasks.openDirect(partition)
    const output = this.#tasks.run()
    replay.mended(output.mended, aside)
    const records = this.#recordsOf(output, aside, session.ids)
    const changelog = changelogOf(app)
    const changed = new Set(records.flatMap(({ topic, partition }) => (topic === changelog ? [partition] : [])))
    const takenUpTo = (topic: string, partition: number) => session.inbound.takenUpTo(topic, partition)
    const anew = this.#tasks.rewriting ? this.#anew : []
    // That all rows are written again is true of every partition, whether or not this epoch changes it.
    if (anew.length < this.#anew.length) for (const partition of session.membership.partitions) changed.add(partition)
    const ids = new Map([...session.ids, ...anew.map((topic) => [topic, ''] as const)])
    const known = new Map([...this.#inputs, ...this.#outputs].map((topic) => [topic, ids.get(topic) ?? '']))
    const positions = this.#positions.changes(changed, this.#inputs, takenUpTo, known)
    const forms = this.#forms.changes(changed)
    for (const change of [...positions, ...forms]) records.push({ topic: changelog, ...change })
    const worked = performance.now()
    const offsets = this.#offsetsOf(session, stamp, ids)
    await session.producer.commit(records, offsets, session.membership)
    this.#tasks.commit()
    this.#parking.commit()
    this.#positions.commit(positions)
    this.#forms.commit(forms)
    this.#unsettled = undefined
    this.#anew = anew
    for (const { topic, partition, offset } of offsets) session.committed.set(`${topic}/${partition}`, offset)
    for (const partition of session.membership.partitions) this.#stamps.set(partition, stamp)
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
    metrics.stateRows.set(this.#tasks.rows)
    this.#purge(session)
    return true
  }

  #recordsOf(output: EpochOutput, { letters, closings }: Aside, ids: ReadonlyMap<string, string>): NewRecord[] {
    const { app, metrics } = this.#options
    const records: NewRecord[] = []
    for (const { sink, key, value } of output.outputs) {
      const { topic } = sink
      records.push({ topic: topic.name, partition: partitionOf(key, topic.partitions), key, value })
    }
    const exchange = exchangeOf(app)
    for (const { partition, value } of output.exchange) records.push({ topic: exchange, partition, key: null, value })
    const changelog = changelogOf(app)
    for (const { partition, key, value } of output.changelog) records.push({ topic: changelog, partition, key, value })
    for (const change of this.#parking.changes()) records.push({ topic: changelog, ...change })
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
    const exchange = exchangeOf(this.#options.app)
    const stamp = writeStamp({ commit, topics: new Map(this.#stamped.map((topic) => [topic, ids.get(topic) ?? ''])) })
    return this.#inputs.flatMap((topic) =>
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
    const exchange = exchangeOf(this.#options.app)
    const before = session.membership.partitions.map((partition) => ({
      partition,
      offset: session.inbound.takenUpTo(exchange, partition),
    }))
    purge(
      this.#clusters.transactions,
      exchange,
      before.filter(({ offset }) => offset > 0),
    ).catch((err) => this.#options.log.warn({ err }, 'exchanged messages could not be purged'))
  }
}

function isTakenOver(error: unknown): boolean {
  return error instanceof EngineError && error.code === 'FENCED'
}
