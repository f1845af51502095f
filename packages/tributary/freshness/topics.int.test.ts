import { randomUUID } from 'node:crypto'
import { expect, onTestFinished, test } from 'vitest'
import kafkajs from '#runtime/kafkajs'
import { writeStamp } from '#runtime/stamp'
import { topicIdOf } from '#runtime/topic-id'
import { connectStack } from '#testing/stack'
import { waitUntil } from '#testing/wait-until'
import { openBrokers } from './topics.ts'

const brokers = connectStack().env.KAFKA_BROKERS!.split(',')

test('what is committed behind an open transaction counts, and so does the open one', async () => {
  const topic = `freshness-${randomUUID()}`
  const kafka = new kafkajs.Kafka({ clientId: 'test', brokers, logLevel: kafkajs.logLevel.NOTHING })
  const admin = kafka.admin()
  const producers = ['a', 'b'].map((name) =>
    kafka.producer({ transactionalId: `${topic}-${name}`, maxInFlightRequests: 1, idempotent: true }),
  )
  const freshness = await openBrokers(brokers)
  await Promise.all([admin, ...producers].map((one) => one.connect()))
  onTestFinished(async () => {
    await admin.deleteTopics({ topics: [topic] })
    await freshness.close()
    await Promise.all([admin, ...producers].map((one) => one.disconnect()))
  })
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] })

  const [open, committed] = await Promise.all(producers.map((producer) => producer.transaction()))
  const messages = [{ key: 'k', value: 'v' }]
  await open!.send({ topic, messages })
  await committed!.send({ topic, messages })
  await committed!.commit()
  // Two records and the marker of the one that is committed; a marker is written after the answer.
  const end = async () => (await freshness.highWatermarks([topic])).get(topic)?.get(0)
  await waitUntil('the marker of the committed one is written', async () => (await end()) === 3n)
  const group = `${topic}-group`
  await admin.setOffsets({ groupId: group, topic, partitions: [{ partition: 0, offset: '0' }] })
  expect(await freshness.behind(group, await freshness.highWatermarks([topic]))).toEqual([topic])
  await open!.abort()
  await waitUntil('the marker of the aborted one is written', async () => (await end()) === 4n)
})

test('a topic that was made anew is told until the stamps of its processor name it as it is', async () => {
  const [exchange, rows, group] = ['exchange', 'rows', 'group'].map((name) => `stamped-${randomUUID()}-${name}`) as [
    string,
    string,
    string,
  ]
  const kafka = new kafkajs.Kafka({ clientId: 'test', brokers, logLevel: kafkajs.logLevel.NOTHING })
  const admin = kafka.admin()
  const producer = kafka.producer({ transactionalId: group, maxInFlightRequests: 1, idempotent: true })
  const freshness = await openBrokers(brokers)
  await Promise.all([admin.connect(), producer.connect()])
  onTestFinished(async () => {
    await admin.deleteTopics({ topics: [exchange, rows] })
    await Promise.all([freshness.close(), admin.disconnect(), producer.disconnect()])
  })
  await admin.createTopics({ topics: [exchange, rows].map((topic) => ({ topic, numPartitions: 1 })) })
  const stamp = async (metadata: string) => {
    const transaction = await producer.transaction()
    const offsets = [{ topic: exchange, partitions: [{ partition: 0, offset: '0', metadata }] }]
    await transaction.sendOffsets({ consumerGroupId: group, topics: offsets })
    await transaction.commit()
    // The group shows them when their marker is written, after the answer.
    await waitUntil('the group shows the stamp', async () => {
      const [offsets] = await admin.fetchOffsets({ groupId: group, topics: [exchange] })
      return offsets?.partitions[0]?.metadata === metadata
    })
  }
  const named = async (id: string) => {
    await stamp(writeStamp({ commit: 'a-1', topics: new Map([[rows, id]]) }))
    return (await freshness.known(group, [rows])).madeAnew
  }
  const { ids } = await freshness.known(group, [rows])
  const id = (await topicIdOf(brokers, rows))!
  expect(ids).toBe(id)
  const uuid = [id.slice(0, 8), id.slice(8, 12), id.slice(12, 16), id.slice(16, 20), id.slice(20)].join('-')
  expect(await named(uuid)).toEqual([])
  expect(await named('')).toEqual([rows])
  expect(await named(uuid.replace(/^./, (c) => (c === '0' ? '1' : '0')))).toEqual([rows])
  await stamp('of an older format')
  expect((await freshness.known(group, [rows])).madeAnew).toEqual([])
})
