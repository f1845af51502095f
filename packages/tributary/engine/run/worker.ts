import { setTimeout as delay } from 'node:timers/promises'
import type { Contract } from '#contracts/contract'
import type { Concern } from '#runtime/health'
import { EngineError } from '../errors.ts'
import { checkTopics, createMissingTopics } from '../kafka/admin.ts'
import { Cluster } from '../kafka/cluster.ts'
import { faultOf, isInfrastructure } from '../kafka/faults.ts'
import { Group, type Membership } from '../kafka/group.ts'
import { TransactionalProducer } from '../kafka/producer.ts'
import { Epochs } from './epochs.ts'
import { internalTopics } from './internal-topics.ts'
import { openSession, type Session, type Workings } from './session.ts'
import { type Clusters, topicsOf, type WorkerOptions, type WorkerTopics } from './worker-options.ts'
import { WorkerState } from './worker-state.ts'

/** How often it is looked whether the topics are still the same, in ms: by their names nobody can tell. */
const TOPICS_MS = 2_000
const RETRY_MS = { least: 100, most: 1_000 }

/**
 * Runs a plan against Kafka: from session to session (`session.ts`), as the group's partitions change hands, and in each of
 * them one epoch after another (`epochs.ts`), over the state of its partitions (`worker-state.ts`).
 */
export class Worker {
  readonly #options: WorkerOptions
  readonly #topics: WorkerTopics
  readonly #clusters: Clusters
  readonly #group: Group
  readonly #held: WorkerState
  readonly #epochs: Epochs
  #topicsAt = Date.now()
  #state: 'starting' | 'restoring' | 'running' | 'retrying' | 'stopped' = 'starting'
  #trouble: string | undefined
  #away: string | undefined
  #stopping = false

  constructor(options: WorkerOptions) {
    const { plan, app, slot, brokers, codec } = options
    this.#options = options
    this.#topics = topicsOf(plan, app)
    const cluster = new Cluster({ brokers, clientId: `${app}-${slot}` })
    this.#clusters = { fetch: cluster, transactions: cluster.fork(), group: cluster.fork() }
    this.#group = new Group({
      cluster: this.#clusters.group,
      group: app,
      instanceId: `${app}-${slot}`,
      partitions: plan.partitions,
      topics: this.#topics.inputs,
    })
    this.#held = new WorkerState(plan, (contract, row) => codec.encode(contract, row))
    this.#epochs = new Epochs(this.#workings, this.#held)
  }

  get #workings(): Workings {
    return { options: this.#options, topics: this.#topics, clusters: this.#clusters }
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
    for (const topic of this.#held.anew) {
      concerns.push({ part, what: `topic "${topic}" was made anew: all rows are being written to it again` })
    }
    const { size } = this.#held.parking
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
    const joined = await this.#join()
    const session = await openSession(this.#workings, this.#held, joined, () => {
      this.#state = 'restoring'
    })
    metrics.partitions.set(session.membership.partitions.length)
    this.#state = 'running'
    this.#trouble = undefined
    log.info({ partitions: session.membership.partitions, stateRows: this.#held.tasks.rows }, 'running')
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
        if (session.inbound.behind < this.#epochs.limit) await this.#pace(began)
        const now = performance.now()
        if (await this.#epochs.run(session)) began = now
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
    const { inputs, outputs, changelog, deadLetters } = this.#topics
    await checkTopics(fetch, [...inputs, changelog], plan.partitions)
    await transactions.learn([...inputs, changelog, deadLetters, ...outputs])
    group.forgetCoordinators()
    const membership = await this.#group.join()
    const producer = await TransactionalProducer.open(transactions, `${app}-${slot}`)
    return { membership, producer }
  }

  /** False when a topic was deleted and made again since the session began, which its name doesn't tell. */
  async #sameTopics({ ids }: Session): Promise<boolean> {
    if (Date.now() - this.#topicsAt < TOPICS_MS) return true
    this.#topicsAt = Date.now()
    const { transactions } = this.#clusters
    await transactions.learn([...ids.keys()])
    return [...ids].every(([topic, id]) => transactions.topicId(topic) === id)
  }
}

function isTakenOver(error: unknown): boolean {
  return error instanceof EngineError && error.code === 'FENCED'
}
