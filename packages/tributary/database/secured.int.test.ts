import { rmSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { waitUntil } from '#testing/wait-until'
import { makeCertificates } from '../../../tests/harness/certificates.ts'
import { type Databases, openDatabases } from '../../../tests/harness/databases.ts'
import { letSpeakTls } from '../../../tests/harness/postgres-tls.ts'
import system from '../../../tributary.config.ts'
import { openDatabase } from './connect.ts'
import { migrate } from './migrate.ts'
import { readMigrateSettings, readServiceLogin } from './settings.ts'

const certificates = makeCertificates()
const others = makeCertificates()
let databases: Databases
let url = ''

/** The stack's server speaks TLS as well while this file runs: it takes new certificates without a restart. */
beforeAll(async () => {
  databases = await openDatabases()
  url = `postgres://127.0.0.1:${databases.env.POSTGRES_PORT}`
  await letSpeakTls(databases.superuser('postgres'), databases.env, certificates)
  await waitUntil('the server speaks TLS', async () => (await ssl({ POSTGRES_CA_FILE: certificates.ca })) === true)
})
afterAll(async () => {
  const superuser = databases.superuser('postgres')
  for (const name of ['ssl', 'ssl_cert_file', 'ssl_key_file']) await superuser.raw(`alter system reset ${name}`)
  await superuser.raw('select pg_reload_conf()')
  await databases[Symbol.asyncDispose]()
  for (const { folder } of [certificates, others]) rmSync(folder, { recursive: true })
})

/** Whether a connection that the settings make speaks TLS. */
async function ssl(more: Readonly<Record<string, string>>, at = url): Promise<boolean> {
  const login = readServiceLogin('orders', { ...databases.env, POSTGRES_URL: at, ...more })
  const db = openDatabase(login, { application: 'tributary-test', pool: 1 })
  try {
    const { rows } = await db.raw('select ssl from pg_stat_ssl where pid = pg_backend_pid()')
    return rows[0].ssl
  } finally {
    await db.destroy()
  }
}

test('a server with a CA of its own is entered with TLS, and only with that CA', async () => {
  expect(await ssl({ POSTGRES_CA_FILE: certificates.ca })).toBe(true)
  await expect(ssl({ POSTGRES_CA_FILE: others.ca })).rejects.toThrow(/certificate|issuer/)
  await expect(ssl({ POSTGRES_TLS: 'on' })).rejects.toThrow(/certificate|issuer/)
  expect(await ssl({})).toBe(false)
})

test('a certificate for another name is refused', async () => {
  const elsewhere = url.replace('127.0.0.1', 'localhost')
  await expect(ssl({ POSTGRES_CA_FILE: certificates.ca }, elsewhere)).rejects.toThrow(/altnames|does not match/)
})

test('the set-up goes through it as well', async () => {
  const env = { ...databases.env, POSTGRES_URL: url, POSTGRES_CA_FILE: certificates.ca }
  const { done, failed } = await migrate(system, readMigrateSettings(system.services, env))
  expect([...failed]).toEqual([])
  expect([...done.keys()]).toEqual(system.services)
})
