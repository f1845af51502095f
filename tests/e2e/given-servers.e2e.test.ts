import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type ScratchStack, scratchStack } from 'tributary/testing/stack'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDatabase } from '../../packages/tributary/database/connect.ts'
import { readSuperuser } from '../../packages/tributary/database/settings.ts'
import { openElasticsearch } from '../../packages/tributary/sink/client.ts'
import { waitUntil } from '../../packages/tributary/testing/wait-until.ts'
import { readSome } from '../../packages/tributary/verify/read-index.ts'
import { makeCertificates, pem } from '../harness/certificates.ts'
import { letSpeakTls } from '../harness/postgres-tls.ts'
import { type SecuredElasticsearch, startSecuredElasticsearch } from '../harness/secured-elasticsearch.ts'
import { type SecuredBroker, startSecuredBroker } from '../harness/secured-kafka.ts'

/** Whose servers are given: its PostgreSQL, with TLS; Kafka and Elasticsearch are beside it. */
let theirs: ScratchStack
/** The system, which knows nothing of them but URLs, a CA, and logins. */
let ours: ScratchStack
let kafka: SecuredBroker
let elasticsearch: SecuredElasticsearch
const certificates = makeCertificates()

beforeAll(async () => {
  theirs = await scratchStack({ only: ['postgres'] })
  const superuser = openDatabase(readSuperuser(theirs.env)('postgres'), { application: 'tributary-test', pool: 1 })
  await letSpeakTls(superuser, theirs.env, certificates)
  // As docs/guide/own-servers.md has it.
  await superuser.raw(`create role set_up login createdb createrole replication password 'of set_up'`)
  await superuser.raw('grant pg_monitor to set_up with admin option')
  await superuser.destroy()
  kafka = await startSecuredBroker(theirs, certificates, { username: 'tributary', password: 'of kafka' })
  elasticsearch = await startSecuredElasticsearch(theirs, certificates, 'of elastic')
  const login = { username: 'elastic', password: 'of elastic' }
  const elastic = openElasticsearch({ url: elasticsearch.url, login, ca: pem(certificates.ca) })
  await waitUntil('Elasticsearch answers', () => elastic.security.authenticate().then(Boolean, () => false), {
    timeoutMs: 120_000,
  })
  await elastic.close()
  ours = await scratchStack({
    env: {
      KAFKA_BROKERS: kafka.address,
      KAFKA_CA_FILE: certificates.ca,
      KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
      KAFKA_USERNAME: 'tributary',
      KAFKA_PASSWORD: 'of kafka',
      ELASTICSEARCH_URL: elasticsearch.url,
      ELASTICSEARCH_CA_FILE: certificates.ca,
      ELASTICSEARCH_USERNAME: 'elastic',
      ELASTICSEARCH_PASSWORD: 'of elastic',
      POSTGRES_URL: `postgres://127.0.0.1:${theirs.env.POSTGRES_PORT}`,
      POSTGRES_CA_FILE: certificates.ca,
      POSTGRES_USER: 'set_up',
      POSTGRES_PASSWORD: 'of set_up',
    },
  })
}, 400_000)
afterAll(async () => {
  await ours?.stop()
  await elasticsearch?.stop()
  await kafka?.stop()
  await theirs?.stop()
  rmSync(certificates.folder, { recursive: true })
}, 180_000)

test('a system on servers that are given, with TLS and logins, carries what is posted to its document', async () => {
  const { processes, ready } = await ours.status()
  expect(ready).toBe(true)
  expect(processes.filter(({ pid }) => pid).map(({ name }) => name)).not.toEqual(expect.arrayContaining(['kafka']))
  const customer = { customerId: 'given-1', uniqueId: 'u', zip: '01000', city: 'x', state: 'SP' }
  const { status } = await fetch(`http://127.0.0.1:${ours.env.CUSTOMERS_PORT}/customers`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(customer),
  })
  expect(status).toBe(201)
  const login = { username: 'elastic', password: 'of elastic' }
  const client = openElasticsearch({ url: elasticsearch.url, login, ca: pem(certificates.ca) })
  await waitUntil('the customer is a document', async () => (await readSome(client, 'customers', ['u']))[0], {
    timeoutMs: 30_000,
  })
  await client.close()
  const verified = await ours.tributary(['verify'])
  expect([verified.code, verified.stdout]).toEqual([0, expect.stringContaining('all equal')])
}, 180_000)

test('no password stands in a log', () => {
  const logs = join(ours.home, 'logs')
  const said = readdirSync(logs).map((name) => readFileSync(join(logs, name), 'utf8'))
  expect(said.join('').length).toBeGreaterThan(0)
  for (const password of ['of kafka', 'of elastic', 'of set_up']) expect(said.join('')).not.toContain(password)
})
