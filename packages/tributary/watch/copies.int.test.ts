import type { Socket } from 'node:net'
import type { Knex } from 'knex'
import pg from 'pg'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { slotOf } from '#outbox/schema'
import { connectStack } from '#testing/stack'
import { waitUntil } from '#testing/wait-until'
import { type Databases, openDatabases } from '../../../tests/harness/databases.ts'
import { endCopies, judgeCopy } from './copies.ts'

const services = ['orders', 'shipping']

let databases: Databases
let superuser: Knex
let maintainer: Knex
beforeAll(async () => {
  databases = await openDatabases()
  superuser = databases.superuser('shipping')
  maintainer = databases.maintainer('orders')
})
afterAll(() => databases[Symbol.asyncDispose]())

/** As slow as a backup can be (32 kB a second), so that it lasts. */
const BACKUP = `BASE_BACKUP (MANIFEST 'no', CHECKPOINT 'fast', MAX_RATE 32)`

/** A replication session of a service's connector's login that sends a command and reads what comes. */
async function replicating(service: string, command: string) {
  const { POSTGRES_HOST: host = '127.0.0.1', POSTGRES_PORT: port } = databases.env
  const password = databases.env[`${service.toUpperCase()}_CONNECTOR_PASSWORD`]!
  const login = { user: `${service}_connector`, password, database: service, replication: 'database' }
  const client = new pg.Client({ host, port: Number(port), ...login } as pg.ClientConfig)
  const session = { client, ended: false, fault: '', bytes: 0 }
  client.on('error', () => {})
  client.on('end', () => {
    session.ended = true
  })
  await client.connect()
  const { stream } = (client as unknown as { connection: { stream: Socket } }).connection
  stream.on('data', (data: Buffer) => {
    session.bytes += data.length
  })
  onTestFinished(() => void stream.destroy())
  client.query(command).catch((error) => {
    session.fault = error.message
  })
  return session
}

const pids = async (service: string) => {
  const { rows } = await superuser.raw('select pid from pg_stat_replication where usename = ? order by pid', [
    `${service}_connector`,
  ])
  return rows.map(({ pid }: { pid: number }) => pid)
}

test("a copy of the server, a copy of its log and another slot's stream are ended by the maintainer, and named", async () => {
  const other = `other_${process.pid}`
  await superuser.raw(`select pg_create_logical_replication_slot(?, 'pgoutput')`, [other])
  try {
    const { rows } = await superuser.raw(
      `select pg_walfile_name(pg_current_wal_lsn()), pg_current_wal_lsn()::text as lsn`,
    )
    const commands = [
      BACKUP,
      `START_REPLICATION PHYSICAL ${rows[0].lsn}`,
      `START_REPLICATION SLOT "${other}" LOGICAL 0/0 (proto_version '1', publication_names 'outbox')`,
    ]
    for (const command of commands) {
      const session = await replicating('shipping', command)
      const [copy] = await waitUntil('it is found', async () => {
        const copies = await endCopies(maintainer, services)
        return copies.length > 0 && copies
      })
      expect(copy).toMatchObject({ login: 'shipping_connector', address: '127.0.0.1', fault: undefined })
      expect(copy!.command).toBe(command.slice(0, 100))
      await waitUntil('it is over', () => session.ended)
    }
  } finally {
    await waitUntil('the slot is free', async () => {
      await superuser.raw('select pg_drop_replication_slot(?)', [other])
      return true
    })
  }
})

test("a connector's own stream, and a session that has asked for nothing yet, are left alone", async () => {
  const own = await replicating(
    'catalog',
    `START_REPLICATION SLOT "${slotOf('catalog')}" LOGICAL 0/0 (proto_version '1', publication_names 'outbox')`,
  )
  const idle = await replicating('catalog', 'IDENTIFY_SYSTEM')
  await waitUntil('the slot is read', async () => {
    const { rows } = await superuser.raw('select active from pg_replication_slots where slot_name = ?', [
      slotOf('catalog'),
    ])
    return rows[0].active
  })
  const before = await pids('catalog')
  expect(before.length).toBeGreaterThanOrEqual(2)
  expect(await endCopies(maintainer, services)).toEqual([])
  expect(await pids('catalog')).toEqual(before)
  expect(idle.ended).toBe(false)
  expect(own.fault === '' || /is active for PID/.test(own.fault)).toBe(true)
})

test('the maintainer may end the sessions of connectors, and no others', async () => {
  const service = databases.as('orders', databases.env.ORDERS_DB_PASSWORD!, 'orders')
  const { rows } = await service.raw('select pg_backend_pid() as pid')
  await expect(maintainer.raw('select pg_terminate_backend(?)', [rows[0].pid])).rejects.toThrow(/permission denied/)
  await expect(maintainer.raw('set role orders_connector')).rejects.toThrow(/permission denied/)
})

test('within seconds the watch ends a base backup, and says whose password has to change', async () => {
  const { env, start } = connectStack()
  const watch = start(['connectors', 'watch'])
  onTestFinished(() => void watch.kill())
  const reason = async () => {
    const answer = await fetch(`http://127.0.0.1:${env.WATCH_PORT}/health`)
    return ((await answer.json()) as { reason?: string }).reason ?? ''
  }
  await waitUntil('the watch has looked', async () => !(await reason()).includes('nothing was looked at yet'), {
    timeoutMs: 40_000,
  })
  const backup = await replicating('payments', BACKUP)
  await waitUntil('it is over', () => backup.ended, { timeoutMs: 10_000 })
  const said = await waitUntil(
    'it is named',
    async () => {
      const now = await reason()
      return now.includes('payments_connector') && now
    },
    { timeoutMs: 5_000 },
  )
  expect(said).toContain(`somebody at 127.0.0.1 read with the login "payments_connector" what isn't its connector's`)
  expect(said).toContain('`npx --no tributary passwords rotate` (PAYMENTS_CONNECTOR_PASSWORD)')
})

test('where a session cannot be ended, that is said, with the statement that ends it', () => {
  const copy = { pid: 7, login: 'orders_connector', address: '10.0.0.7', command: 'BASE_BACKUP', fault: 'no right' }
  expect(judgeCopy(copy, 0).what).toContain('ending it fails (no right): select pg_terminate_backend(7)')
})
