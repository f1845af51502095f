import { globSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readServer } from '#database/settings'
import {
  connectSettings,
  elasticsearchSettings,
  kafkaSettings,
  postgresSettings,
  readConfig,
  registrySettings,
} from './config.ts'
import { httpAt } from './http-at.ts'
import { kafkaAt, kafkaOptions } from './kafka-at.ts'

const folder = mkdtempSync(join(tmpdir(), 'tributary-ca-'))
const ca = join(folder, 'ca.pem')
const PEM = '-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n'
writeFileSync(ca, PEM)
const noCertificate = join(folder, 'key.pem')
writeFileSync(noCertificate, 'x')

const all = {
  ...kafkaSettings,
  ...registrySettings,
  ...connectSettings,
  ...elasticsearchSettings,
  ...postgresSettings,
}

test('a cluster without settings of its own is entered without TLS and login', () => {
  expect(kafkaAt(readConfig(kafkaSettings, { KAFKA_BROKERS: 'a:1,b:2' }))).toEqual(['a:1', 'b:2'])
  expect(kafkaOptions(['a:1'])).toEqual({ brokers: ['a:1'] })
})

test('TLS, the CA and the login of a cluster reach the client', () => {
  const env = { KAFKA_BROKERS: 'a:1', KAFKA_CA_FILE: ca, KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512' }
  const at = kafkaAt(readConfig(kafkaSettings, { ...env, KAFKA_USERNAME: 'u', KAFKA_PASSWORD: 'p' }))
  expect(kafkaOptions(at)).toEqual({
    brokers: ['a:1'],
    ssl: { ca: [PEM] },
    sasl: { mechanism: 'scram-sha-512', username: 'u', password: 'p' },
  })
  const publicCa = kafkaAt(readConfig(kafkaSettings, { KAFKA_BROKERS: 'a:1', KAFKA_TLS: 'on' }))
  expect(kafkaOptions(publicCa)).toEqual({ brokers: ['a:1'], ssl: true })
})

test("a server's login and CA stand beside its URL", () => {
  const env = { REGISTRY_URL: 'https://r.example/x/', REGISTRY_USERNAME: 'u', REGISTRY_PASSWORD: 'p' }
  expect(httpAt('REGISTRY', readConfig(registrySettings, env))).toEqual({
    url: 'https://r.example/x',
    login: { username: 'u', password: 'p' },
    ca: undefined,
  })
  expect(httpAt('CONNECT', readConfig(connectSettings, { CONNECT_URL: 'http://c:1' }))).toBe('http://c:1')
})

test('all faults of the servers are named at once, and no secret with them', () => {
  const read = () =>
    readConfig(all, {
      KAFKA_CA_FILE: '/nowhere/ca.pem',
      KAFKA_SASL_MECHANISM: 'GSSAPI',
      KAFKA_USERNAME: 'u',
      REGISTRY_URL: 'https://me:hidden1@r.example',
      REGISTRY_PASSWORD: 'hidden2',
      CONNECT_CA_FILE: ca,
      CONNECT_URL: 'http://c.example',
      ELASTICSEARCH_API_KEY: 'hidden3',
      ELASTICSEARCH_USERNAME: 'u',
      ELASTICSEARCH_PASSWORD: 'hidden4',
      ELASTICSEARCH_CA_FILE: noCertificate,
      POSTGRES_TLS: 'off',
      POSTGRES_CA_FILE: ca,
      POSTGRES_URL: 'postgres://me:hidden5@db.example',
    })
  for (const fault of [
    'KAFKA_CA_FILE="/nowhere/ca.pem" doesn\'t exist',
    'KAFKA_SASL_MECHANISM="GSSAPI" is not one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512',
    'KAFKA_PASSWORD is missing, and KAFKA_USERNAME is set',
    'REGISTRY_URL has a login in it: it has settings of its own',
    'REGISTRY_USERNAME is missing, and REGISTRY_PASSWORD is set',
    "CONNECT_CA_FILE is set, and CONNECT_URL doesn't begin with https:",
    'ELASTICSEARCH_API_KEY and ELASTICSEARCH_USERNAME are both set: choose one',
    `ELASTICSEARCH_CA_FILE="${noCertificate}" has no certificate in it`,
    'POSTGRES_TLS is off, and POSTGRES_CA_FILE is set',
    'POSTGRES_URL has a login in it: it has settings of its own',
  ]) {
    expect(read).toThrow(fault)
  }
  expect(read).not.toThrow(/hidden/)
})

test.each([
  ['a SASL login', 'KAFKA', { KAFKA_BROKERS: '127.0.0.1:1,kafka.example:2', KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512' }],
  ['a login of the registry', 'REGISTRY', { REGISTRY_URL: 'http://r.example/x' }],
  ['a login of Connect', 'CONNECT', { CONNECT_URL: 'http://10.0.0.7:8083' }],
  ['a login of Elasticsearch', 'ELASTICSEARCH', { ELASTICSEARCH_URL: 'http://[fd00::1]:9200' }],
] as const)('%s goes to no other computer without TLS, unless that is asked for', (_, server, at) => {
  const login = { [`${server}_USERNAME`]: 'u', [`${server}_PASSWORD`]: 'p', ...at }
  const fault = new RegExp(`${server}_USERNAME is set, and .* without TLS: .*${server}_INSECURE=on`)
  expect(() => readConfig(all, login)).toThrow(fault)
  readConfig(all, { ...login, [`${server}_INSECURE`]: 'on' })
  expect(() => readConfig(all, { ...login, [`${server}_INSECURE`]: 'off' })).toThrow(fault)
  if (server !== 'KAFKA') readConfig(all, at)
  const near = Object.entries(login).map(([name, value]) => [
    name,
    value.replace(/kafka\.example|r\.example|10\.0\.0\.7/, 'localhost').replace('[fd00::1]', '[::1]'),
  ])
  readConfig(all, Object.fromEntries(near))
})

test('the same holds for a key of Elasticsearch and for every PostgreSQL that is given', () => {
  const key = { ELASTICSEARCH_URL: 'http://es.example', ELASTICSEARCH_API_KEY: 'k' }
  expect(() => readConfig(all, key)).toThrow('ELASTICSEARCH_API_KEY is set, and es.example is entered without TLS')
  readConfig(all, { ...key, ELASTICSEARCH_URL: 'https://es.example' })
  const common = { POSTGRES_URL: 'postgres://db.example' }
  const fault =
    /_URL is entered with a password, and without TLS: POSTGRES_TLS=on or POSTGRES_CA_FILE, or, .*POSTGRES_INSECURE=on/
  expect(() => readConfig(postgresSettings, common)).toThrow(fault)
  expect(() => readServer('orders', { ORDERS_POSTGRES_URL: 'postgres://db.example' })).toThrow(fault)
  for (const more of [{ POSTGRES_TLS: 'on' }, { POSTGRES_CA_FILE: ca }, { POSTGRES_INSECURE: 'on' }]) {
    readConfig(postgresSettings, { ...common, ...more })
  }
  readConfig(postgresSettings, { POSTGRES_URL: 'postgres://[::1]:5432' })
})

test('a user without a mechanism is told which there are', () => {
  const env = { KAFKA_USERNAME: 'u', KAFKA_PASSWORD: 'p' }
  expect(() => readConfig(kafkaSettings, env)).toThrow(
    'KAFKA_SASL_MECHANISM is missing, and KAFKA_USERNAME is set: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512',
  )
})

test.each(['postgres://db/orders', 'mysql://db', 'postgres://db?sslmode=require'])('%s is no server', (url) => {
  expect(() => readConfig(postgresSettings, { POSTGRES_URL: url })).toThrow('POSTGRES_URL')
})

test('whoever opens a client of Kafka, Elasticsearch or PostgreSQL takes its options from the one place', () => {
  const machine = join(import.meta.dirname, '..')
  const files = globSync('**/*.ts', { cwd: machine }).filter((file) => !/\.test(-d)?\.ts$/.test(file))
  const opens = (what: RegExp) => files.filter((file) => what.test(readFileSync(join(machine, file), 'utf8')))
  const without = (what: RegExp, options: string) =>
    opens(what).filter((file) => !readFileSync(join(machine, file), 'utf8').includes(options))
  expect(opens(/new (kafkajs\.)?Kafka\(/).length).toBeGreaterThan(8)
  expect(without(/new (kafkajs\.)?Kafka\(/, '...kafkaOptions(')).toEqual([])
  expect(without(/new pg\.(Client|Pool)\(/, 'postgresOptions').filter((file) => file !== 'stack/health.ts')).toEqual([])
  expect(opens(/from '@elastic\/elasticsearch'\n[\s\S]*new Client\(/)).toEqual(['sink/client.ts'])
  expect(opens(/new Connection\(/)).toEqual(['engine/kafka/cluster.ts'])
})
