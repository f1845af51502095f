import { expect, test } from 'vitest'
import { setUpSql } from './set-up-sql.ts'
import { readMigrateSettings } from './settings.ts'

const services = ['birds', 'bees']
const secrets = [
  'BIRDS_DB',
  'BIRDS_CONNECTOR',
  'BEES_DB',
  'BEES_CONNECTOR',
  'VERIFY_DB',
  'FRESHNESS_DB',
  'MAINTAINER_DB',
]
const env = {
  POSTGRES_TLS: 'on',
  POSTGRES_URL: 'postgres://all.example',
  POSTGRES_USER: 'set_up',
  POSTGRES_PASSWORD: 'password-of-set-up',
  BEES_POSTGRES_URL: 'postgres://bees.example:6432',
  BEES_POSTGRES_USER: 'bee_keeper',
  BEES_POSTGRES_PASSWORD: 'password-of-bee-keeper',
  ...Object.fromEntries(secrets.map((name) => [`${name}_PASSWORD`, `password-of-${name}`])),
}

test('each server is told of its own services and of the logins that all share, with verifiers and no passwords', () => {
  const sql = setUpSql(services, readMigrateSettings(services, env), 'password-of-registry')
  const [, all, bees] = sql.split(/^-- On /m)
  expect(all).toMatch(/^all\.example:5432\ncreate role "set_up" login replication password 'SCRAM-SHA-256\$/)
  expect(bees).toMatch(/^bees\.example:6432\ncreate role "bee_keeper" login replication password 'SCRAM-SHA-256\$/)
  for (const part of [all, bees]) expect(part).toContain('grant pg_monitor to freshness, maintainer;')
  expect(all).toContain('create database "birds" owner "set_up" template template0 encoding utf8;')
  expect(all).toContain('create database "registry" owner "registry"')
  expect(all).not.toContain('bees')
  expect(bees).toMatch(
    /create role "bees_connector" login replication password .*\ncomment on role bees_connector is 'tributary';/,
  )
  expect(bees).not.toMatch(/birds|registry/)
  expect(sql).not.toContain('password-of')
})

test('a database that is taken as it is, and the login that owns it, are there already', () => {
  const sql = setUpSql(services, readMigrateSettings(services, env), undefined, ['bees'])
  const [, all, bees] = sql.split(/^-- On /m)
  expect(all).toContain('create role "set_up" login replication password')
  expect(all).toContain('create database "birds"')
  expect(bees).toContain('alter role "bee_keeper" replication;')
  expect(bees).toContain('create role "bees" login password')
  expect(bees).not.toMatch(/create database|create role "bee_keeper"/)
})
