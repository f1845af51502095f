import { rmSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectAt } from '#connect/connect'
import { openCodec } from '#contracts/codec'
import { contract } from '#contracts/contract'
import { checkSchemas } from '#contracts/register'
import { openElasticsearch } from '#sink/client'
import { makeCertificates, pem } from '../../../tests/harness/certificates.ts'
import { fetchAt, type SecuredHttp } from './http-at.ts'

const certificates = makeCertificates()
const others = makeCertificates()
const asked: { path: string; authorization: string | undefined }[] = []
const server = createServer(
  { cert: pem(certificates.certificate), key: pem(certificates.key) },
  (request, response) => {
    asked.push({ path: request.url!, authorization: request.headers.authorization })
    response.writeHead(200, { 'content-type': 'application/json', 'x-elastic-product': 'Elasticsearch' })
    response.end(JSON.stringify({ id: 1, schema: '"string"' }))
  },
)
let at: SecuredHttp
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  at = { url, login: { username: 'me', password: 'sëcret' }, ca: pem(certificates.ca) }
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
  for (const { folder } of [certificates, others]) rmSync(folder, { recursive: true })
})

const basic = `Basic ${Buffer.from('me:sëcret').toString('base64')}`
const last = () => asked.at(-1)

test('a server with a CA of its own is believed by that one, and by no other', async () => {
  expect((await fetchAt(at, '/x')).status).toBe(200)
  expect(last()).toEqual({ path: '/x', authorization: basic })
  await expect(fetchAt({ ...at, ca: pem(others.ca) }, '/x')).rejects.toThrow('fetch failed')
  await expect(fetchAt({ ...at, ca: undefined }, '/x')).rejects.toThrow('fetch failed')
})

test('registry and Kafka Connect are asked with login and CA', async () => {
  await (await openCodec({ registry: at, contracts: [] })).learn(7).catch(() => {})
  expect(last()).toEqual({ path: '/schemas/ids/7', authorization: basic })
  await connectAt(at, 0).configOf('x')
  expect(last()).toEqual({ path: '/connectors/x/config', authorization: basic })
})

test('Elasticsearch is asked with a login or a key', async () => {
  await openElasticsearch(at).ping()
  expect(last()?.authorization).toBe(basic)
  await openElasticsearch({ server: { ...at, login: undefined }, apiKey: 'a-key' }).ping()
  expect(last()?.authorization).toBe('ApiKey a-key')
  await expect(openElasticsearch({ ...at, ca: pem(others.ca) }).ping()).rejects.toThrow(/certificate|issuer/)
})

test('a registry or a Connect that nobody answers for is named, with its setting and what to do', async () => {
  const nobody = 'http://127.0.0.1:1'
  await expect(
    checkSchemas(nobody, [contract({ type: 'record', name: 'Boat', namespace: 'toys', fields: [] })]),
  ).rejects.toThrow(
    "the schema registry at http://127.0.0.1:1 (REGISTRY_URL) can't be reached: is it running? `npx --no tributary status`",
  )
  await expect(connectAt(nobody, 0).configOf('x')).rejects.toThrow(
    "Kafka Connect at http://127.0.0.1:1 (CONNECT_URL) can't be reached: is it running? `npx --no tributary status`",
  )
})
