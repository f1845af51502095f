import { expect, onTestFinished, test } from 'vitest'
import kafkajs from '#runtime/kafkajs'
import { openLog } from '#runtime/log'
import { scratchStack } from '#testing/stack'
import { waitUntil } from '#testing/wait-until'
import { committedOn, openCommitter } from './positions.ts'

const topic = 'positions.test'
const partitions = 200

test('a position that is said to be committed is committed, over a kill of the broker', async () => {
  const stack = await scratchStack({ only: ['kafka'] })
  onTestFinished(stack.stop)
  const kafka = new kafkajs.Kafka({ brokers: [stack.env.KAFKA_BROKERS!], logLevel: kafkajs.logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  onTestFinished(() => admin.disconnect())
  await admin.createTopics({
    topics: [{ topic, numPartitions: partitions, replicationFactor: 1 }],
    waitForLeaders: true,
  })
  const committer = openCommitter(kafka, 'positions', openLog('test', 'silent'))
  onTestFinished(() => committer.close())

  /** Each partition's position moves once: nothing comes after it that would make good for a commit that was lost. */
  const said: number[] = []
  const commitNext = async () => {
    const commit = () => committer.commit(topic, new Map([[said.length, 1n]]), '').then(() => true)
    await waitUntil('a position is committed', commit, { timeoutMs: 90_000 })
    said.push(said.length)
  }
  await commitNext()
  process.kill((await stack.status()).processes.find(({ name }) => name === 'kafka')!.pid!, 'SIGKILL')
  while (said.length < 20 || committer.waiting() !== undefined) await commitNext()
  expect(said.length).toBeLessThan(partitions)
  const committed = await committedOn(admin, 'positions', topic)
  expect(said.filter((partition) => !committed.has(partition))).toEqual([])
}, 300_000)
