import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import kafkajs from '#runtime/kafkajs'
import { connectStack } from '#testing/stack'
import { waitUntil } from '#testing/wait-until'
import { findUncoordinated } from './coordinators.ts'

const brokers = [connectStack().env.KAFKA_BROKERS!]

test('groups of a broker that is well have a coordinator, whether they have members or not', async () => {
  const [living, unknown] = [randomUUID(), randomUUID()]
  const admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).admin()
  await admin.connect()
  // The first group of a new broker has it make the topic of all groups.
  await waitUntil('a group has a position', async () => {
    const topic = (await admin.listTopics())[0] ?? '__consumer_offsets'
    await admin.setOffsets({ groupId: living, topic, partitions: [{ partition: 0, offset: '0' }] })
    return true
  })
  await admin.disconnect()
  expect(await findUncoordinated(brokers, [living, unknown])).toEqual(new Map())
})

test('a broker that is away is an error, not a group without a coordinator', async () => {
  await expect(findUncoordinated(['127.0.0.1:1'], ['any'])).rejects.toThrow(/127\.0\.0\.1:1/)
})
