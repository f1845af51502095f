import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from '@elastic/elasticsearch'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { applyTopics } from '#contracts/apply-topics'
import { memoryCodec } from '#contracts/codec'
import { reportsServer } from '#reports/server'
import { elasticsearchSettings, readConfig } from '#runtime/config'
import { openLog } from '#runtime/log'
import { Registry } from '#runtime/metrics'
import { project } from '#runtime/project'
import { catalogueOf } from '#system/catalogue'
import { systemPage } from '#system/page'
import { connectStack } from '#testing/stack'
import { waitUntil } from '#testing/wait-until'
import { readAll, readSome } from '#verify/read-index'
import { contracts, OrderRows, topics } from '../../../schemas/topics.ts'
import { readModels } from '../../../sinks/read-models/index.ts'
import { openRowsWriter } from '../../../sinks/testing/rows.ts'
import { sampleRows } from '../../../sinks/testing/sample.ts'
import { makeCertificates } from '../../../tests/harness/certificates.ts'
import { type SecuredElasticsearch, startSecuredElasticsearch } from '../../../tests/harness/secured-elasticsearch.ts'
import system from '../../../tributary.config.ts'
import { elasticsearchAt, openElasticsearch } from './client.ts'
import { openFreshnessIndex } from './freshness-index.ts'
import { sinkMetrics } from './metrics.ts'
import { runSink } from './sink.ts'

const stack = connectStack()
const brokers = stack.env.KAFKA_BROKERS!.split(',')
const certificates = makeCertificates()
const others = makeCertificates()
const password = 'of the superuser'
let elasticsearch: SecuredElasticsearch
let superuser: Client
/** With the settings of whoever has a key of the guide's role. */
let keyed: Client

const opened: Client[] = []
function open(env: Readonly<Record<string, string>>): Client {
  const at = { ELASTICSEARCH_URL: elasticsearch.url, ELASTICSEARCH_CA_FILE: certificates.ca, ...env }
  const client = openElasticsearch(elasticsearchAt(readConfig(elasticsearchSettings, at)))
  opened.push(client)
  return client
}

/** The role that the guide has, as it stands there. */
function roleOfGuide() {
  const guide = readFileSync(join(project, 'docs/guide/own-servers.md'), 'utf8')
  const [, body] = /POST \/_security\/api_key\n([\s\S]*?)```/.exec(guide) ?? []
  return JSON.parse(body!) as { name: string; role_descriptors: Record<string, never> }
}

beforeAll(async () => {
  elasticsearch = await startSecuredElasticsearch(stack, certificates, password)
  superuser = open({ ELASTICSEARCH_USERNAME: 'elastic', ELASTICSEARCH_PASSWORD: password })
  await waitUntil('it lets its superuser in', () => superuser.security.authenticate().then(Boolean, () => false), {
    timeoutMs: 120_000,
  })
  const { encoded } = await superuser.security.createApiKey(roleOfGuide())
  keyed = open({ ELASTICSEARCH_API_KEY: encoded })
}, 180_000)
afterAll(async () => {
  for (const client of opened) await client.close()
  await elasticsearch?.stop()
  for (const { folder } of [certificates, others]) rmSync(folder, { recursive: true })
})

test('with a key of the least rights the sink writes, reports and verification read, and claims are kept', async () => {
  await applyTopics(brokers, topics)
  const writer = await openRowsWriter(brokers)
  const sink = runSink({
    models: readModels,
    brokers,
    client: keyed,
    codec: memoryCodec(contracts),
    metrics: sinkMetrics(new Registry()),
    log: openLog('sink', 'silent'),
    groupId: `sink-secured-${process.pid}`,
  })
  try {
    await waitUntil('the sink is at work', () => sink.waiting() === undefined, { timeoutMs: 90_000 })
    const [order] = sampleRows(1).orders
    await writer.rows(OrderRows, [order!])
    await waitUntil('the order is searchable', async () => (await readSome(keyed, 'orders', [order!.orderId]))[0])
    const all: string[] = []
    for await (const page of readAll(keyed, 'orders')) all.push(...page.map(({ key }) => key))
    expect(all).toContain(order!.orderId)
    await openFreshnessIndex(keyed).write([
      { readModel: 'orders', completeThrough: new Date().toISOString(), index: null, exceptCount: 0 },
    ])

    const server = await reportsServer({
      reporting: system,
      system: systemPage(catalogueOf(system), {}),
      client: keyed,
      log: openLog('reports', 'silent'),
      state: { freshness: async () => undefined, concerns: async () => [], letters: () => [] },
    })
    const [report] = system.reports
    const answer = await server.inject({ url: `/api/reports/${report!.id}`, headers: { host: 'localhost' } })
    expect([answer.statusCode, answer.body]).toEqual([200, expect.any(String)])
    await server.close()
  } finally {
    await sink.stop()
    await writer.close()
  }
}, 180_000)

test('the key is good for the read models and nothing else', async () => {
  await superuser.indices.create({ index: 'payroll' })
  const forbidden = { statusCode: 403 }
  await expect(keyed.search({ index: 'payroll' })).rejects.toMatchObject(forbidden)
  await expect(keyed.index({ index: 'payroll', document: {} })).rejects.toMatchObject(forbidden)
  await expect(keyed.indices.create({ index: 'another' })).rejects.toMatchObject(forbidden)
  await expect(keyed.security.createApiKey({ name: 'mine' })).rejects.toMatchObject(forbidden)
  await expect(keyed.cluster.putSettings({ persistent: {} })).rejects.toMatchObject(forbidden)
})

test('without a login, with a wrong one, or with another CA it is not entered', async () => {
  const out = { statusCode: 401 }
  await expect(open({}).indices.get({ index: 'orders' })).rejects.toMatchObject(out)
  const wrong = { ELASTICSEARCH_USERNAME: 'elastic', ELASTICSEARCH_PASSWORD: 'wrong' }
  await expect(open(wrong).indices.get({ index: 'orders' })).rejects.toMatchObject(out)
  await expect(open({ ELASTICSEARCH_API_KEY: 'd3Jvbmc6d3Jvbmc=' }).ping()).rejects.toMatchObject(out)
  await expect(open({ ELASTICSEARCH_CA_FILE: others.ca }).ping()).rejects.toThrow(/certificate|issuer/)
})
