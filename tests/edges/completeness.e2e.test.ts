import { setTimeout as after } from 'node:timers/promises'
import pg from 'pg'
import { waitUntil } from 'tributary/testing'
import { connectStack } from 'tributary/testing/stack'
import { expect, test } from 'vitest'
import { OrderRows } from '#schemas/topics.ts'
import kafkajs from '../../packages/tributary/runtime/kafkajs.ts'
import { soak } from './soak.ts'
import { checkStatements } from './statements.ts'
import { startTraffic, type Traffic } from './traffic.ts'

const stack = connectStack()
const freshness = `http://127.0.0.1:${stack.env.FRESHNESS_PORT}`

/** How many statements are taken in all under the faults below. */
const STATEMENTS = 10_000

function superuser(database: string): pg.Client {
  const { POSTGRES_HOST: host = '127.0.0.1', POSTGRES_PORT: port, POSTGRES_PASSWORD: password } = stack.env
  return new pg.Client({ host, port: Number(port), user: 'postgres', password, database })
}

async function rows(database: string, statement: string): Promise<unknown[]> {
  const client = superuser(database)
  await client.connect()
  try {
    return (await client.query(statement)).rows
  } finally {
    await client.end()
  }
}

const sql = async (database: string, statement: string) => void (await rows(database, statement))

async function kill(name: string): Promise<void> {
  const { processes } = await stack.status()
  const pid = processes.find((process) => process.name === name)?.pid
  if (pid) process.kill(pid, 'SIGKILL')
}

async function concerns(): Promise<string> {
  const response = await fetch(`${freshness}/health`)
  const { concerns } = (await response.json()) as { concerns: { part: string; what: string }[] }
  return concerns.map(({ part, what }) => `${part}: ${what}`).join('\n')
}

const run = () => `f${Date.now().toString(36)}-`

/** Runs a fault under traffic; in the end nothing was claimed that wasn't so, and everything is as SQL says. */
async function underTraffic(fault: (traffic: Traffic) => Promise<void>): Promise<void> {
  const traffic = await startTraffic(stack.urls, run())
  const statements = checkStatements({ freshness, elasticsearch: stack.urls.elasticsearch }, traffic)
  try {
    await waitUntil('changes arrive', () => traffic.arrivals.get('orders')!.length > 10, { timeoutMs: 60_000 })
    await fault(traffic)
    await traffic.stop(180_000)
  } finally {
    await statements.stop()
  }
  console.log(
    `${statements.checked.taken} statements held against the truth, ${statements.checked.overtaken} overtaken`,
  )
  expect(statements.checked.wrong).toEqual([])
  const verify = await stack.tributary(['verify'], { timeoutMs: 180_000 })
  expect(verify.code, `${verify.stdout}\n${verify.stderr}`).toBe(0)
}

test('events that a publication without the outbox loses are named, claimed of nobody, and sent again', async () => {
  await underTraffic(async () => {
    await sql('orders', 'alter publication outbox drop table outbox')
    await waitUntil('the loss is named', async () => /never reached orders\.events/.test(await concerns()), {
      timeoutMs: 20_000,
    })
  })
  await waitUntil('nothing is lost any more', async () => !/never reached/.test(await concerns()), {
    timeoutMs: 60_000,
  })
}, 360_000)

test('events that a slot was moved past are claimed of nobody, and sent again', async () => {
  const connector = `${stack.env.CONNECT_URL}/connectors/orders-outbox`
  await underTraffic(async (traffic) => {
    await fetch(`${connector}/stop`, { method: 'PUT' })
    const slot = `from pg_replication_slots where slot_name = 'orders_outbox'`
    await waitUntil('the connector has let go of its slot', async () => {
      await sql('orders', `select pg_replication_slot_advance(slot_name, pg_current_wal_lsn()) ${slot} and not active`)
      return (await rows('orders', `select 1 ${slot} and not active`)).length === 1
    })
    const placed = traffic.changes.length
    await waitUntil('orders were placed', () => traffic.changes.length > placed + 20)
    await sql('orders', `select pg_replication_slot_advance(slot_name, pg_current_wal_lsn()) ${slot}`)
    // Debezium refuses to begin there. Only what is sent again arrives, and the traffic waits for all of it.
    const { code, stdout, stderr } = await stack.tributary(['connectors', 'recover', 'orders'], { timeoutMs: 180_000 })
    expect(code, `${stdout}\n${stderr}`).toBe(0)
  })
}, 360_000)

/** Each is made, lasts a while, and is over. */
const faults: Readonly<Record<string, () => Promise<void>>> = {
  'a killed sink': () => kill('sink'),
  'a killed freshness': () => kill('freshness'),
  'a killed connect': () => kill('connect'),
  'a killed broker': () => kill('kafka'),
  'a lost index': async () => {
    const response = await fetch(`${stack.urls.elasticsearch}/orders/_alias`)
    const [index] = Object.keys((await response.json()) as object)
    await fetch(`${stack.urls.elasticsearch}/${index}`, { method: 'DELETE' })
  },
  'a transaction that is open in a database': async () => {
    const client = superuser('orders')
    await client.connect()
    await client.query('begin')
    await client.query(`select pg_current_xact_id()`)
    await after(6_000)
    await client.query('rollback')
    await client.end()
  },
  "a transaction that is open among a processor's rows": async () => {
    const kafka = new kafkajs.Kafka({
      clientId: 'edges',
      brokers: [stack.urls.kafka],
      logLevel: kafkajs.logLevel.NOTHING,
    })
    const producer = kafka.producer({ transactionalId: run(), maxInFlightRequests: 1, idempotent: true })
    await producer.connect()
    const transaction = await producer.transaction()
    await transaction.send({ topic: OrderRows.name, messages: [{ key: 'nobody', value: null }] })
    await after(6_000)
    await transaction.abort()
    await producer.disconnect()
  },
  'a second worker that comes and goes': async () => {
    const port = String(Number(stack.env.PROCESSOR_ORDERS_PORT) + 5_000)
    const worker = stack.start(['processor', 'orders'], { PROCESSOR_ORDERS_PORT: port })
    await after(6_000)
    worker.kill('SIGKILL')
  },
}

// In the long form only: each fault takes the better part of a minute until everything is well again.
test.runIf(soak.long)(
  'nothing that freshness states is wrong while processes are killed, transactions stay open and an index is lost',
  async () => {
    const names = Object.keys(faults)
    let taken = 0
    const traffic = await startTraffic(stack.urls, run())
    const statements = checkStatements({ freshness, elasticsearch: stack.urls.elasticsearch }, traffic)
    try {
      for (let i = 0; i < names.length || statements.checked.taken < STATEMENTS; i++) {
        await faults[names[i % names.length]!]!()
        await waitUntil('the stack is ready again', async () => (await stack.status()).ready, { timeoutMs: 180_000 })
        const enough = statements.checked.taken + 30
        await waitUntil('claims are made again', () => statements.checked.taken > enough, { timeoutMs: 120_000 })
        taken = statements.checked.taken
        const { wrong } = statements.checked
        console.log(`${taken} statements, ${wrong.length} of them wrong, after ${names[i % names.length]}`)
      }
      await traffic.stop(240_000)
    } finally {
      await statements.stop()
    }
    console.log(
      `${taken} statements held against the truth, ${statements.checked.overtaken} overtaken by another index`,
    )
    expect(statements.checked.wrong).toEqual([])
    const verify = await stack.tributary(['verify'], { timeoutMs: 180_000 })
    expect(verify.code, `${verify.stdout}\n${verify.stderr}`).toBe(0)
  },
  7_200_000,
)
