import { expect, test } from 'vitest'
import { type FoundLogin, loginStatements, type SetUpRights } from './postgres-login.ts'
import { scramVerifier } from './scram.ts'

const verifier = scramVerifier('ours')
const superuser: SetUpRights = {
  name: 'postgres',
  superuser: true,
  makesLogins: true,
  replicates: true,
  replicationRole: null,
}
const managed: SetUpRights = { ...superuser, name: 'admin', superuser: false }
const found = (more: Partial<FoundLogin> = {}): FoundLogin => ({
  verifier: null,
  mark: 'tributary',
  changeable: true,
  replicates: false,
  mighty: false,
  ...more,
})

test('a login is made with a mark, and no statement holds its password', () => {
  const [create, mark] = loginStatements('orders', 'ours', undefined, superuser)
  expect(create).toMatch(/^create role orders login nosuperuser .* noreplication password 'SCRAM-SHA-256\$[^']+'$/)
  expect(create).not.toContain('ours')
  expect(mark).toBe(`comment on role orders is 'tributary'`)
})

test('a login that has the mark is given its password again; one that has the password, its mark', () => {
  expect(loginStatements('orders', 'new', found({ verifier }), superuser)).toEqual([
    expect.stringMatching(/^alter role orders .* password 'SCRAM/),
  ])
  expect(loginStatements('orders', 'ours', found({ verifier, mark: null }), superuser, 'replication')).toEqual([
    'alter role orders login nosuperuser nocreatedb nocreaterole replication',
    `comment on role orders is 'tributary'`,
  ])
})

test("a login with neither is somebody else's", () => {
  const theirs = found({ verifier: scramVerifier('theirs'), mark: 'a shop' })
  for (const rights of [superuser, managed]) {
    expect(() => loginStatements('orders', 'ours', theirs, rights)).toThrow(
      `the login "orders" on this server isn't ours`,
    )
  }
})

test('whoever is no superuser says nothing of attributes that only superusers may name', () => {
  expect(loginStatements('orders', 'ours', undefined, managed)[0]).toMatch(/^create role orders login password 'SCRAM/)
  expect(loginStatements('orders_connector', 'ours', found(), managed, 'replication')[0]).toMatch(
    /^alter role orders_connector login replication password 'SCRAM/,
  )
})

test('where a role lets its members replicate, the connector becomes one', () => {
  const rds = { ...managed, replicationRole: 'rds_replication' }
  expect(loginStatements('orders_connector', 'ours', undefined, rds, 'replication')).toEqual([
    expect.stringMatching(/^create role orders_connector login password/),
    'grant rds_replication to orders_connector',
    `comment on role orders_connector is 'tributary'`,
  ])
})

test('logins that somebody made for us stay as they are, and are what they have to be', () => {
  const owner = { ...managed, makesLogins: false }
  const given = found({ changeable: false })
  expect(loginStatements('orders', 'ours', given, owner)).toEqual([])
  expect(() => loginStatements('orders', 'ours', undefined, owner)).toThrow(
    /"orders" is missing, and "admin".* may make none: have a superuser run what .*migrate --sql/,
  )
  expect(() => loginStatements('orders', 'ours', { ...given, mighty: true }, owner)).toThrow('may do more')
  expect(() => loginStatements('orders', 'ours', { ...given, replicates: true }, owner)).toThrow('noreplication')
  expect(() => loginStatements('x_connector', 'ours', given, owner, 'replication')).toThrow("mayn't replicate")
})
