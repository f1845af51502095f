import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { wantedConnectors } from '#connect/configuration'
import { readMigrateSettings, readServer, readServiceLogin } from '#database/settings'
import { securedKafka } from '#runtime/kafka-at'
import { usesDocker } from './docker.ts'
import { addresses, readStackSettings } from './environment.ts'
import { connectSecurity } from './native/connect-security.ts'
import { launchOf } from './own-processes.ts'
import { placesOf } from './places.ts'
import { shapeOf } from './shape.ts'
import { urlsOf } from './status.ts'

const shape = shapeOf({ services: ['parcels', 'trucks'], topologies: new Map([['routes', {}]]) })
const ca = join(mkdtempSync(join(tmpdir(), 'tributary-ca-')), 'ca.pem')
writeFileSync(ca, '-----BEGIN CERTIFICATE-----\n')

const given = {
  KAFKA_BROKERS: 'kafka.example:9093',
  KAFKA_CA_FILE: ca,
  KAFKA_SASL_MECHANISM: 'PLAIN',
  KAFKA_USERNAME: 'me',
  KAFKA_PASSWORD: 'kafka-secret',
  ELASTICSEARCH_URL: 'https://es.example',
  ELASTICSEARCH_API_KEY: 'es-secret',
}

const namesOf = (env: Record<string, string>) => readStackSettings(shape, env).shape.processes.map(({ name }) => name)

test('what is given is not started; the rest is', () => {
  expect(namesOf(given)).not.toContain('kafka')
  expect(namesOf(given)).not.toContain('elasticsearch')
  expect(namesOf(given)).toEqual(expect.arrayContaining(['postgres', 'registry', 'connect', 'parcels']))
  expect(urlsOf(readStackSettings(shape, given))).toMatchObject({
    kafka: 'kafka.example:9093',
    elasticsearch: 'https://es.example',
  })
})

test("the addresses of the stack's own servers give nothing", () => {
  expect(readStackSettings(shape, addresses(shape, shape.defaultPorts)).given.servers).toEqual([])
})

test('PostgreSQL is started until every service has a server', () => {
  const tls = { POSTGRES_TLS: 'on' }
  expect(namesOf({ ...tls, PARCELS_POSTGRES_URL: 'postgres://a' })).toContain('postgres')
  const both = { PARCELS_POSTGRES_URL: 'postgres://a', TRUCKS_POSTGRES_URL: 'postgres://b:6432' }
  expect(namesOf({ ...tls, ...both })).not.toContain('postgres')
  expect(namesOf({ ...tls, POSTGRES_URL: 'postgres://a' })).not.toContain('postgres')
  expect(() => namesOf(both)).toThrow('TRUCKS_POSTGRES_URL is entered with a password, and without TLS')
})

test('a process is told the logins of the servers that it enters, and no others', () => {
  const settings = readStackSettings(shape, given)
  const envOf = (name: string) =>
    launchOf(settings.shape.processes.find((spec) => spec.name === name)!, settings, placesOf(settings), {})
  expect(envOf('processor-routes').env).toMatchObject({ KAFKA_PASSWORD: 'kafka-secret', KAFKA_CA_FILE: ca })
  expect(Object.values(envOf('processor-routes').env)).not.toContain('es-secret')
  expect(envOf('reports').env).toMatchObject({ ELASTICSEARCH_API_KEY: 'es-secret', KAFKA_USERNAME: 'me' })
  expect(envOf('sink').args.join(' ')).not.toMatch(/secret/)
})

test('a login of a server that the stack starts itself is refused with the remedy', () => {
  expect(() => readStackSettings(shape, { ...given, KAFKA_BROKERS: '' })).toThrow(
    'KAFKA_PASSWORD is set, and the stack starts kafka itself: set KAFKA_BROKERS, or leave it out',
  )
})

test('Docker is not for servers that are given', () => {
  expect(() => usesDocker(readStackSettings(shape, { ...given, STACK: 'docker' }))).toThrow('use STACK=native')
  expect(usesDocker(readStackSettings(shape, given))).toBe(false)
})

test('each service is entered on its own server, with the login of whoever sets up there', () => {
  const env = {
    POSTGRES_URL: 'postgres://all.example',
    POSTGRES_CA_FILE: ca,
    POSTGRES_PASSWORD: 'p',
    TRUCKS_POSTGRES_URL: 'postgres://trucks.example:6432',
    TRUCKS_POSTGRES_USER: 'trucks_admin',
    TRUCKS_POSTGRES_PASSWORD: 'q',
    ...Object.fromEntries(shape.secretNames.map((name) => [name, 'p'])),
  }
  const { superuser } = readMigrateSettings(shape.services, env)
  expect(superuser('parcels')).toMatchObject({ host: 'all.example', port: 5432, user: 'postgres', password: 'p' })
  expect(superuser('trucks')).toMatchObject({ host: 'trucks.example', port: 6432, user: 'trucks_admin', password: 'q' })
  expect(readServiceLogin('trucks', env)).toMatchObject({ host: 'trucks.example', user: 'trucks' })
  expect(readServer('trucks', env).tls?.ca).toContain('CERTIFICATE')
  const connectors = wantedConnectors(shape.services, (service) => readServer(service, env))
  expect(connectors.get('trucks-outbox')).toMatchObject({
    'database.hostname': 'trucks.example',
    'database.port': '6432',
    'database.sslmode': 'verify-full',
  })
})

test("a Connect worker's clients all enter the cluster, and no secret stands in its file", () => {
  const sasl = { mechanism: 'SCRAM-SHA-256', username: 'me', password: 'a"b\\c' } as const
  const { settings, env } = connectSecurity({ brokers: ['k:1'], tls: { ca: 'PEM' }, sasl }, '/ca.pem')
  for (const prefix of ['', 'producer.', 'consumer.', 'admin.']) {
    expect(settings).toMatchObject({
      [`${prefix}security.protocol`]: 'SASL_SSL',
      [`${prefix}sasl.mechanism`]: 'SCRAM-SHA-256',
      [`${prefix}ssl.truststore.location`]: '/ca.pem',
    })
  }
  expect(JSON.stringify(settings)).not.toContain('a"b')
  expect(Object.values(env)).toEqual([
    'org.apache.kafka.common.security.scram.ScramLoginModule required username="me" password="a\\"b\\\\c";',
  ])
  expect(connectSecurity(securedKafka(['k:1']), '').settings).toEqual({})
})
