import { readStamp } from '#runtime/stamp'
import { EngineError } from '../errors.ts'
import { listOffsets, stableCommits } from '../kafka/admin.ts'
import type { Cluster } from '../kafka/cluster.ts'
import { fetchRecords } from '../kafka/fetcher.ts'
import type { Membership } from '../kafka/group.ts'
import type { TransactionalProducer } from '../kafka/producer.ts'
import { Barriers } from './barriers.ts'
import { Inbound } from './inbound.ts'
import { Intake } from './intake.ts'
import { lostOf, readLetters, wasDropped } from './lost-letters.ts'
import { resetRemedy } from './remedy.ts'
import { Replay, type Reread } from './replay.ts'
import { restore } from './restore.ts'
import { Schemas } from './schemas.ts'
import type { Clusters, WorkerOptions, WorkerTopics } from './worker-options.ts'
import type { WorkerState } from './worker-state.ts'

const REREAD = { maxBytes: 1_000_000, maxPartitionBytes: 1_000_000, maxWaitMs: 100 }

/** What a worker works with, from joining the group to the next rebalance. */
export interface Session {
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

/** What a worker has for as long as it lives. */
export interface Workings {
  readonly options: WorkerOptions
  readonly topics: WorkerTopics
  readonly clusters: Clusters
}

/**
 * Begins a session of a worker that joined: settles what is unsettled, and brings the state of the partitions it was given up
 * to date.
 * @param onRestoring called before state is read, which takes as long as there is much
 */
export async function openSession(
  { options, topics, clusters }: Workings,
  state: WorkerState,
  joined: { readonly membership: Membership; readonly producer: TransactionalProducer },
  onRestoring: () => void,
): Promise<Session> {
  const { plan, app, codec, log, metrics, resetCommand } = options
  const { exchange, changelog, inputs, outputs } = topics
  const { partitions } = joined.membership
  const { fetch, transactions } = clusters
  const commits = await stableCommits(transactions, app, inputs, partitions)
  const stamps = new Map(partitions.map((p) => [p, readStamp(commits.get(`${exchange}/${p}`)?.metadata ?? '')]))
  const stampOf = (partition: number) => stamps.get(partition)?.commit ?? ''
  const names = [...inputs, ...outputs, changelog, topics.deadLetters]
  const ids = new Map(names.map((topic) => [topic, transactions.topicId(topic)]))
  if (state.positions.madeAnew([changelog], stamps, ids).length > 0) throw stateLost(options, changelog)
  // Tasks that were others' may have sent messages that aren't taken in yet, to those that stay here as well.
  state.tasks.closeDirect()
  const outcome = state.settle(partitions.filter((p) => state.tasks.partitions.includes(p)).map(stampOf))
  if (outcome) {
    log.info({ committed: outcome === 'committed' }, 'the outcome of the last epoch is known')
    metrics.epochs.inc({ outcome })
  }

  const fresh = state.own(partitions, stampOf)
  if (fresh.length > 0) {
    onRestoring()
    const began = performance.now()
    try {
      const load = (partition: number, key: string, value: string | null) => state.load(partition, key, value)
      const remedy = resetRemedy(app, resetCommand)
      const read = await restore(fetch, changelog, fresh, load, remedy)
      const seconds = (performance.now() - began) / 1_000
      metrics.restored.inc(read)
      metrics.restoreSeconds.set(seconds)
      log.info({ partitions: fresh, records: read, seconds }, 'state restored')
    } catch (error) {
      state.remove(fresh)
      throw error
    }
  }

  state.forms.check({ app, command: resetCommand })
  const wanted = inputs.flatMap((topic) => partitions.map((partition) => ({ topic, partition })))
  const starts = await listOffsets(fetch, 'earliest', wanted)
  const positions = wanted.map(({ topic, partition }) => {
    const place = `${topic}/${partition}`
    const start = starts.get(place) ?? 0
    const kept = state.positions.of(partition, topic)
    // What was purged from the exchange topic had been taken in.
    const restored = kept !== undefined && topic === exchange ? Math.max(kept, start) : kept
    return { topic, partition, offset: commits.get(place)?.offset ?? restored ?? start }
  })
  const writers = plan.sources.map((s) => [s.topic.name, s.kind === 'rows' ? s.topic.readModel : undefined] as const)
  state.positions.check(new Map([...writers, [exchange, undefined]]), stamps, ids, {
    app,
    command: resetCommand,
  })
  state.anew = state.positions.madeAnew(outputs, stamps, ids)
  state.tasks.rewrite(state.anew)
  for (const topic of state.anew) log.warn({ topic }, 'the topic was made anew: all rows are written to it again')
  const lost = partitions.filter((p) => !commits.has(`${exchange}/${p}`))
  if (lost.length > 0) log.info({ partitions: lost }, 'the group has no offsets: positions are those of the state')
  const inbound = new Inbound((from, limits) => fetchRecords(fetch, from, limits), positions, exchange)
  const schemas = new Schemas(codec, log)
  const letters = await readLetters(transactions, topics.deadLetters)
  const intake = new Intake(plan, schemas, state.tasks, state.parking, wasDropped(letters, ids))
  const barriers = new Barriers(fetch, exchange, inbound)
  await barriers.raise(partitions)
  const replay = new Replay(intake, schemas, state.tasks, state.parking, reread(transactions))
  replay.again(lostOf(state.parking, state.tasks, letters))
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

/** An empty changelog in the place of one that was deleted would be read as if nothing had ever been worked off. */
function stateLost({ app, resetCommand }: WorkerOptions, changelog: string): EngineError {
  return new EngineError(
    'TOPIC_REPLACED',
    `topic "${changelog}" was deleted and made again: the state that "${app}" kept in it is lost. ` +
      resetRemedy(app, resetCommand),
  )
}

/** Not over the connections on which fetches wait for new records. */
function reread(transactions: Cluster): Reread {
  return {
    earliest: async (topic, partition) => {
      const starts = await listOffsets(transactions, 'earliest', [{ topic, partition }])
      return starts.get(`${topic}/${partition}`) ?? 0
    },
    fetch: async (position) => (await fetchRecords(transactions, [position], REREAD))[0]!,
  }
}
