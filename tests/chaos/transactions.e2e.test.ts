import { waitUntil } from 'tributary/testing'
import { connectStack } from 'tributary/testing/stack'
import { expect, test } from 'vitest'
import {
  checkTopics,
  createMissingTopics,
  listOffsets,
  stableCommits,
} from '../../packages/tributary/engine/kafka/admin.ts'
import { Cluster } from '../../packages/tributary/engine/kafka/cluster.ts'
import { fetchRecords } from '../../packages/tributary/engine/kafka/fetcher.ts'
import { TransactionalProducer } from '../../packages/tributary/engine/kafka/producer.ts'

const stack = connectStack()

const PARTITIONS = 4
/** So many that some of them are being ended, whenever the broker is killed. */
const WRITERS = 32
const topic = 'chaos.transactions'
const places = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition }))

/** Runs one transaction after another under an id of its own: records, and its group's offsets. */
class Writer {
  readonly name: string
  readonly cluster = new Cluster({ brokers: [stack.urls.kafka], clientId: 'chaos' })
  committed = 0

  constructor(i: number) {
    this.name = `chaos-${i}`
  }

  /** Ends what its predecessor left behind. */
  async open(): Promise<TransactionalProducer> {
    await this.cluster.close()
    this.cluster.forgetCoordinators()
    await this.cluster.learn([topic])
    return TransactionalProducer.open(this.cluster, this.name)
  }

  async commit(producer: TransactionalProducer): Promise<void> {
    const nobody = { group: this.name, instanceId: '', memberId: '', generation: -1, partitions: [] }
    const records = places.map((place) => ({ ...place, key: this.name, value: String(this.committed) }))
    const offsets = places.map((place) => ({ ...place, offset: this.committed + 1, metadata: '' }))
    await producer.commit(records, offsets, nobody)
    this.committed++
  }

  /** What its group has committed, once nothing is pending. */
  async offset(): Promise<number> {
    const commits = await stableCommits(this.cluster, this.name, [topic], [0])
    return commits.get(`${topic}/0`)?.offset ?? 0
  }
}

test('kill -9 of the broker among many transactions: each of them is ended, none stays open for ever', async () => {
  const reader = new Cluster({ brokers: [stack.urls.kafka], clientId: 'chaos' })
  await createMissingTopics(reader, [{ name: topic, partitions: PARTITIONS, config: {} }])
  await checkTopics(reader, [topic], PARTITIONS)
  const writers = Array.from({ length: WRITERS }, (_, i) => new Writer(i))
  const producers = await Promise.all(
    writers.map((writer) =>
      // The first one may come before the broker leads the new topic's partitions.
      waitUntil(`${writer.name} has committed`, async () => {
        const producer = await writer.open()
        await writer.commit(producer)
        return producer
      }),
    ),
  )
  const writing = writers.map(async (writer, i) => {
    for (;;) await writer.commit(producers[i]!)
  })
  const failed = Promise.allSettled(writing)
  const allWrite = waitUntil('all write', () => writers.every(({ committed }) => committed > 20), { timeoutMs: 60_000 })
  await Promise.race([allWrite, ...writing])

  const { processes } = await stack.status()
  process.kill(processes.find(({ name }) => name === 'kafka')!.pid!, 'SIGKILL')
  await failed

  for (const writer of writers) {
    await waitUntil(`${writer.name} is open again`, () => writer.open(), { timeoutMs: 60_000 })
    const beyond = (await writer.offset()) - writer.committed
    expect(beyond, 'but for the last, each was committed that was answered').toBeOneOf([0, 1])
  }
  await reader.learn([topic])
  const ends = await listOffsets(reader, 'high watermark', places)
  const at = new Map(places.map(({ partition }) => [partition, 0]))
  await waitUntil('a reader of what is committed comes to the end', async () => {
    const from = places.map((place) => ({ ...place, offset: at.get(place.partition)! }))
    const fetched = await fetchRecords(reader, from, { maxBytes: 8e6, maxPartitionBytes: 4e6, maxWaitMs: 20 })
    for (const { partition, nextOffset } of fetched) at.set(partition, nextOffset)
    return places.every(({ partition }) => at.get(partition)! >= ends.get(`${topic}/${partition}`)!)
  })
  await Promise.all([reader, ...writers.map(({ cluster }) => cluster)].map((cluster) => cluster.close()))
  await waitUntil('the whole stack is ready again', async () => (await stack.status()).ready, { timeoutMs: 120_000 })
}, 300_000)
