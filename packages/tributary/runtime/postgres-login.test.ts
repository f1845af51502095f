import { expect, test } from 'vitest'
import { loginStatements } from './postgres-login.ts'
import { scramVerifier } from './scram.ts'

const verifier = scramVerifier('ours')

test('a login is made with a mark, and no statement holds its password', () => {
  const [create, mark] = loginStatements('orders', 'ours', undefined)
  expect(create).toMatch(/^create role orders login nosuperuser .* noreplication password 'SCRAM-SHA-256\$[^']+'$/)
  expect(create).not.toContain('ours')
  expect(mark).toBe(`comment on role orders is 'tributary'`)
})

test('a login that has the mark is given its password again; one that has the password, its mark', () => {
  expect(loginStatements('orders', 'new', { verifier, mark: 'tributary' })).toEqual([
    expect.stringMatching(/^alter role orders .* password 'SCRAM/),
  ])
  expect(loginStatements('orders', 'ours', { verifier, mark: null }, 'replication')).toEqual([
    'alter role orders login nosuperuser nocreatedb nocreaterole replication',
    `comment on role orders is 'tributary'`,
  ])
})

test("a login with neither is somebody else's", () => {
  expect(() => loginStatements('orders', 'ours', { verifier: scramVerifier('theirs'), mark: 'a shop' })).toThrow(
    `the login "orders" on this server isn't ours`,
  )
})
