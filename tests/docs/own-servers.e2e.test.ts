import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from '@elastic/elasticsearch'
import type { Knex } from 'knex'
import { type ScratchStack, scratchStack } from 'tributary/testing/stack'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { openDatabase } from '../../packages/tributary/database/connect.ts'
import { readSuperuser } from '../../packages/tributary/database/settings.ts'
import { kafkaOptions } from '../../packages/tributary/runtime/kafka-at.ts'
import kafkajs from '../../packages/tributary/runtime/kafkajs.ts'
import { openElasticsearch } from '../../packages/tributary/sink/client.ts'
import { waitUntil } from '../../packages/tributary/testing/wait-until.ts'
import { makeCertificates, pem } from '../harness/certificates.ts'
import { letSpeakTls } from '../harness/postgres-tls.ts'
import { type SecuredElasticsearch, startSecuredElasticsearch } from '../harness/secured-elasticsearch.ts'
import { type SecuredBroker, startSecuredBroker } from '../harness/secured-kafka.ts'
import { roleFor } from './elasticsearch-role.ts'
import { type OwnStack, ownStack } from './own-stack.ts'

/** Whose servers are given: PostgreSQL, with TLS; Kafka and Elasticsearch are beside it. */
let theirs: ScratchStack
let kafka: SecuredBroker
let elasticsearch: SecuredElasticsearch
let superuser: Knex
/** Elasticsearch as its owner enters it. */
let owner: Client
/** A project that knows nothing of them but addresses, a CA, and logins. */
let library: OwnStack
const certificates = makeCertificates()
const others = makeCertificates()
const ca = pem(certificates.ca)
const passwords = { kafka: 'of kafka', elasticsearch: 'of elasticsearch', setUp: 'of set_up' }
const sasl = { mechanism: 'SCRAM-SHA-512', username: 'library', password: passwords.kafka } as const

beforeAll(async () => {
  theirs = await scratchStack({ only: ['postgres'] })
  superuser = openDatabase(readSuperuser(theirs.env)('postgres'), { application: 'tributary-test', pool: 1 })
  await letSpeakTls(superuser, theirs.env, certificates)
  const users = [
    { name: 'owner', password: 'of the owner', role: 'superuser' },
    { name: 'library', password: passwords.elasticsearch, role: 'library' },
  ]
  elasticsearch = await startSecuredElasticsearch(theirs, certificates, users, { library: roleFor(['loans']) })
  kafka = await startSecuredBroker(theirs, certificates, sasl)
  library = await ownStack('given servers', {
    KAFKA_BROKERS: kafka.address,
    KAFKA_CA_FILE: certificates.ca,
    KAFKA_SASL_MECHANISM: sasl.mechanism,
    KAFKA_USERNAME: sasl.username,
    KAFKA_PASSWORD: sasl.password,
    ELASTICSEARCH_URL: elasticsearch.url,
    ELASTICSEARCH_CA_FILE: certificates.ca,
    ELASTICSEARCH_USERNAME: 'library',
    ELASTICSEARCH_PASSWORD: passwords.elasticsearch,
    POSTGRES_URL: `postgres://127.0.0.1:${theirs.env.POSTGRES_PORT}`,
    POSTGRES_CA_FILE: certificates.ca,
    POSTGRES_USER: 'set_up',
    POSTGRES_PASSWORD: passwords.setUp,
  })
  owner = openElasticsearch({ url: elasticsearch.url, login: { username: 'owner', password: 'of the owner' }, ca })
  for (const [name, answers] of Object.entries(given))
    await waitUntil(`${name} answers`, answers, { timeoutMs: 240_000 })
}, 400_000)

afterAll(async () => {
  await library?.remove()
  await owner?.close()
  await elasticsearch?.stop()
  await kafka?.stop()
  await superuser?.destroy()
  await theirs?.stop()
  for (const { folder } of [certificates, others]) rmSync(folder, { recursive: true })
}, 180_000)

/** Whether each server that is given is there, asked by whoever owns it. */
const given = {
  kafka: async () => {
    const options = kafkaOptions({ brokers: [kafka.address], tls: { ca }, sasl })
    const admin = new kafkajs.Kafka({ ...options, logLevel: kafkajs.logLevel.NOTHING, retry: { retries: 0 } }).admin()
    return admin
      .connect()
      .then(() => admin.describeCluster())
      .then(({ brokers }) => brokers.length === 1)
      .finally(() => admin.disconnect())
  },
  elasticsearch: async () => Boolean(await owner.cluster.health()),
  postgres: async () => Boolean(await superuser.raw('select 1')),
}

test('what keeps a project from its servers is said of all at once, with the settings, and nothing is started', async () => {
  const wrong = await library.refused('up', { KAFKA_PASSWORD: 'wrong', ELASTICSEARCH_PASSWORD: 'wrong' })
  expect(wrong).toMatch(/postgres: .*\(POSTGRES_URL\): password auth.*: see POSTGRES_USER and POSTGRES_PASSWORD/)
  expect(wrong).toMatch(/kafka: .*\(KAFKA_BROKERS\): .*: see KAFKA_SASL_MECHANISM, KAFKA_USERNAME and KAFKA_PASSWORD/)
  expect(wrong).toMatch(
    /elasticsearch: .*\(ELASTICSEARCH_URL\): .*: see ELASTICSEARCH_API_KEY, or ELASTICSEARCH_USERNAME/,
  )
  const names = ['KAFKA_CA_FILE', 'ELASTICSEARCH_CA_FILE', 'POSTGRES_CA_FILE']
  const untrusted = await library.refused('up', Object.fromEntries(names.map((name) => [name, others.ca])))
  for (const name of names) expect(untrusted).toContain(`the certificate isn't trusted for that name: see ${name}`)
  expect(await library.tributary('down')).toContain('nothing runs')
}, 120_000)

test('with what a superuser ran once, everything that is not given is started, and nothing else', async () => {
  const sql = await library.tributary('migrate --sql')
  for (const statement of sql.split(/;\n/).filter((text) => /\S/.test(text))) await superuser.raw(statement)
  await library.tributary('up')
  const { processes, ready } = JSON.parse(await library.tributary('status --json'))
  expect(ready).toBe(true)
  const ours = processes.filter(({ pid }: { pid?: number }) => pid).map(({ name }: { name: string }) => name)
  expect(ours).toEqual(expect.arrayContaining(['registry', 'connect', 'members', 'loans', 'sink', 'reports', 'watch']))
  for (const name of Object.keys(given)) expect(ours).not.toContain(name)
  const { rows } = await superuser.raw(
    `select bool_and(ssl) as secure, count(*)::int > 0 as some from pg_stat_ssl join pg_stat_activity using (pid)
     where usename not in ('postgres') and backend_type in ('client backend', 'walsender')`,
  )
  expect(rows).toEqual([{ secure: true, some: true }])
}, 400_000)

test('what is posted is searchable, equal to SQL, reported, and no password of a server stands in a log', async () => {
  const post = (url: string, body: object) =>
    fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  const loan = { loanId: 'l1', memberId: 'm1', title: 'Momo', lentAt: '2026-01-02T03:04:05Z' }
  expect((await post(`${library.at('LOANS_PORT')}/loans`, loan)).status).toBe(201)
  expect((await post(`${library.at('MEMBERS_PORT')}/members`, { memberId: 'm1', name: 'Ana' })).status).toBe(201)
  await library.tributary('wait')
  expect((await owner.get({ index: 'loans', id: 'l1' }))._source).toMatchObject({ title: 'Momo', member: 'Ana' })
  expect(await library.tributary('verify')).toContain('all equal')
  const report = await fetch(`${library.at('REPORTS_PORT')}/api/reports/loans`)
  expect([report.status, await report.text()]).toEqual([200, expect.stringContaining('Ana')])

  const logs = join(library.folder, '.tributary/logs')
  const said = readdirSync(logs).map((name) => readFileSync(join(logs, name), 'utf8'))
  expect(said.length).toBeGreaterThan(0)
  for (const password of Object.values(passwords)) expect(said.join('')).not.toContain(password)
}, 120_000)

test("the guide's role is enough to build a read model anew, and is good for nothing else", async () => {
  const entered = openElasticsearch({
    url: elasticsearch.url,
    login: { username: 'library', password: passwords.elasticsearch },
    ca,
  })
  onTestFinished(() => entered.close())
  await owner.indices.create({ index: 'payroll' })
  await owner.index({ index: 'payroll', document: { salary: 1 }, refresh: true })
  const forbidden = { statusCode: 403 }
  await expect(entered.search({ index: 'payroll' })).rejects.toMatchObject(forbidden)
  await expect(entered.index({ index: 'payroll', document: {} })).rejects.toMatchObject(forbidden)
  await expect(entered.indices.delete({ index: 'payroll' })).rejects.toMatchObject(forbidden)
  await expect(entered.indices.create({ index: 'another' })).rejects.toMatchObject(forbidden)
  await expect(
    entered.cluster.putSettings({ persistent: { 'cluster.routing.allocation.enable': 'all' } }),
  ).rejects.toMatchObject(forbidden)
  await expect(entered.security.createApiKey({ name: 'mine' })).rejects.toMatchObject(forbidden)
  expect(JSON.stringify(await entered.search({ index: '*' }))).not.toContain('payroll')

  // As if the read model had been another one when its index was made.
  await library.tributary('stop sink')
  const { mappings } = (await owner.indices.get({ index: 'loans-1' }))['loans-1']!
  await owner.indices.putMapping({ index: 'loans-1', _meta: { ...mappings!._meta, definition: 'another' } })
  await library.tributary('start sink')
  const served = async () => Object.keys(await owner.indices.getAlias({ name: 'loans' }))
  await waitUntil('readers have the new index', async () => (await served()).join() === 'loans-2', {
    timeoutMs: 60_000,
  })
  await waitUntil('the old one is gone', async () => !(await owner.indices.exists({ index: 'loans-1' })))
  await library.tributary('wait')
  expect(await library.tributary('verify')).toContain('all equal')
}, 180_000)

test('what was started is stopped, and what was given goes on', async () => {
  expect(await library.tributary('down')).toMatch(/9 processes stopped/)
  for (const [name, answers] of Object.entries(given)) expect([name, await answers()]).toEqual([name, true])
  await expect(fetch(library.at('CONNECT_PORT'))).rejects.toThrow()
  expect((await owner.get({ index: 'loans', id: 'l1' })).found).toBe(true)
}, 120_000)
