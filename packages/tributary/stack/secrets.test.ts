import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import system from '../../../tributary.config.ts'
import { makeSecrets } from './environment.ts'
import { beginRotation, endRotation, ensureSecrets, readSecrets, secretsFile } from './secrets.ts'
import { shapeOf } from './shape.ts'

const shape = shapeOf(system)
const { processes, secretNames } = shape

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'tributary-secrets-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

test('every secret is made once, differs from the others, and only its owner may read the file', () => {
  const secrets = ensureSecrets(home, secretNames)
  expect(Object.keys(secrets).toSorted()).toEqual(secretNames.toSorted())
  expect(new Set(Object.values(secrets)).size).toBe(secretNames.length)
  expect(statSync(secretsFile(home)).mode & 0o777).toBe(0o600)
  expect(ensureSecrets(home, secretNames)).toEqual(secrets)
  expect(readSecrets(home)).toEqual(secrets)
})

test('a secret that a newer version needs is added, the others stay', () => {
  writeFileSync(secretsFile(home), 'POSTGRES_PASSWORD=kept\n')
  expect(ensureSecrets(home, secretNames)).toMatchObject({
    POSTGRES_PASSWORD: 'kept',
    VERIFY_DB_PASSWORD: expect.any(String),
  })
})

test('a rotation that was begun keeps its secrets until it has ended, and knows what the superuser had', () => {
  const before = ensureSecrets(home, secretNames)
  expect(beginRotation(home, ['POSTGRES_PASSWORD', 'VERIFY_DB_PASSWORD'])).toBe(true)
  const during = readSecrets(home)
  expect(during).toMatchObject({ POSTGRES_PASSWORD_BEFORE: before.POSTGRES_PASSWORD })
  const changed = secretNames.filter((name) => during[name] !== before[name])
  expect(changed.toSorted()).toEqual(['POSTGRES_PASSWORD', 'VERIFY_DB_PASSWORD'])

  expect(beginRotation(home, secretNames)).toBe(false)
  expect(readSecrets(home)).toEqual(during)
  endRotation(home)
  const { POSTGRES_PASSWORD_BEFORE: _, ...after } = during
  expect(readSecrets(home)).toEqual(after)
})

test('a process is only given secrets that exist, and none has the superuser’s', () => {
  for (const spec of processes) {
    for (const name of spec.secrets) expect(secretNames, spec.name).toContain(name)
    expect(spec.secrets).not.toContain('POSTGRES_PASSWORD')
  }
})

test('a command that comes before the first `up` makes the secrets that `up` will find; one that was chosen stays', async () => {
  const env: NodeJS.ProcessEnv = { TRIBUTARY_HOME: join(home, 'new'), ORDERS_DB_PASSWORD: 'chosen' }
  await makeSecrets(shape, env)
  const made = readSecrets(join(home, 'new'))
  expect(Object.keys(made).toSorted()).toEqual(secretNames.toSorted())
  expect(env).toMatchObject({ ...made, ORDERS_DB_PASSWORD: 'chosen' })
  await makeSecrets(shape, { TRIBUTARY_HOME: join(home, 'new') })
  expect(readSecrets(join(home, 'new'))).toEqual(made)
})
