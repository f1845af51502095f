import { waitUntil } from 'tributary/testing'
import { connectStack } from 'tributary/testing/stack'
import { expect, test } from 'vitest'
import kafkajs from '../../packages/tributary/runtime/kafkajs.ts'
import { domainTopics } from '../harness/marketplace.ts'

const stack = connectStack()

/** Enough to be in the middle of it for some seconds; each victim gets a marketplace of its own. */
const ORDERS = 150

const victims = [
  'orders',
  'payments',
  'shipping',
  'connect',
  'kafka',
  'registry',
  'processor-orders',
  'processor-sales',
  'processor-customers',
  'processor-sellers',
  'sink',
  'elasticsearch',
  'postgres',
  'freshness',
  'watch',
]

async function pidOf(name: string): Promise<number> {
  const { processes } = await stack.status()
  const pid = processes.find((process) => process.name === name)?.pid
  if (!pid) throw new Error(`${name} has no pid in: ${JSON.stringify(processes)}`)
  return pid
}

/** Plays a marketplace, does something in the middle of it, and expects every document to be right in the end. */
async function inTheMiddleOfALoad(seed: number, disturb: () => Promise<void>): Promise<void> {
  const commandsBefore = await eventsInTopics()
  let over = false
  const load = stack
    .tributary(['simulate', '--orders', String(ORDERS), '--seed', String(seed)], { timeoutMs: 280_000 })
    .finally(() => {
      over = true
    })
  await waitUntil('the load is on its way', async () => (await eventsInTopics()) > commandsBefore + 150, {
    timeoutMs: 60_000,
  })
  expect(over, 'the load was over before anything was disturbed').toBe(false)
  await disturb()
  const { code, stdout, stderr } = await load
  expect(code, `${stdout}\n${stderr}`).toBe(0)
  const verify = await stack.tributary(['verify'], { timeoutMs: 180_000 })
  expect(verify.code, `${verify.stdout}\n${verify.stderr}`).toBe(0)
}

async function eventsInTopics(): Promise<number> {
  const admin = new kafkajs.Kafka({
    clientId: 'chaos',
    brokers: [stack.urls.kafka],
    logLevel: kafkajs.logLevel.NOTHING,
  }).admin()
  await admin.connect()
  try {
    const ends = await Promise.all(domainTopics.map((topic) => admin.fetchTopicOffsets(topic.name)))
    return ends.flat().reduce((sum, partition) => sum + Number(partition.high), 0)
  } finally {
    await admin.disconnect()
  }
}

for (const [i, victim] of victims.entries()) {
  test(`kill -9 of ${victim} in the middle of a load: it comes back, and every document is right`, async () => {
    // Asked for before: on a busy machine the load would be over when the answer comes.
    const killed = await pidOf(victim)
    await inTheMiddleOfALoad(1_000 + i, async () => void process.kill(killed, 'SIGKILL'))
    expect(await pidOf(victim)).not.toBe(killed)
    await waitUntil('the whole stack is ready again', async () => (await stack.status()).ready, { timeoutMs: 120_000 })
  }, 480_000)
}

test('kill -9 of the supervisor in the middle of a load: `up` brings everything back, and every document is right', async () => {
  const killed = await pidOf('supervisor')
  await inTheMiddleOfALoad(2_000, async () => {
    process.kill(killed, 'SIGKILL')
    // Longer than `up` itself waits: it says what isn't ready and why.
    const up = await stack.tributary(['up'], { timeoutMs: 400_000 })
    expect(up.code, `${up.stdout}\n${up.stderr}`).toBe(0)
  })
  expect((await stack.status()).ready).toBe(true)
}, 900_000)
