import { writeFileSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import { type ScratchStack, type Stack, scratchStack, stackAt } from '#testing/stack'
import { enters } from '../../../tests/harness/enters.ts'
import { beginRotation, readSecrets, secretsFile } from './secrets.ts'

/** Whose password each secret is. */
const logins = {
  POSTGRES_PASSWORD: ['postgres', 'postgres'],
  REGISTRY_DB_PASSWORD: ['registry', 'registry'],
  CUSTOMERS_DB_PASSWORD: ['customers', 'customers'],
  CUSTOMERS_CONNECTOR_PASSWORD: ['customers_connector', 'customers'],
  ORDERS_DB_PASSWORD: ['orders', 'orders'],
  VERIFY_DB_PASSWORD: ['verifier', 'customers'],
  FRESHNESS_DB_PASSWORD: ['freshness', 'customers'],
  MAINTAINER_DB_PASSWORD: ['maintainer', 'customers'],
} as const

let scratch: ScratchStack
/** As a shell sees it: no secret in its environment. */
let stack: Stack
async function start(...only: string[]) {
  scratch = await scratchStack({ only })
  stack = stackAt(Object.fromEntries(Object.entries(scratch.env).filter(([name]) => !name.endsWith('_PASSWORD'))))
}
afterEach(() => scratch?.stop(), 60_000)

test('a server that has some of the new passwords, and one that has all, is entered and given the rest', async () => {
  await start('postgres')
  await ran(['migrate'])
  const own = names.filter((name) => name !== 'REGISTRY_DB_PASSWORD')
  const before = readSecrets(stack.home)
  // As a rotation leaves it that is killed before it enters a server, and one that is killed after the first.
  beginRotation(stack.home, Object.keys(before))
  const during = readSecrets(stack.home)
  await ran(['up', '--only', 'postgres'])
  expect([await letIn('POSTGRES_PASSWORD', before), await letIn('POSTGRES_PASSWORD', during)]).toEqual([false, true])
  expect([await letIn('ORDERS_DB_PASSWORD', before), await letIn('ORDERS_DB_PASSWORD', during)]).toEqual([true, false])

  expect(await ran(['passwords', 'rotate'])).toContain('going on with a rotation that was not ended')
  const after = readSecrets(stack.home)
  expect({ ...after, POSTGRES_PASSWORD_BEFORE: before.POSTGRES_PASSWORD }).toEqual(during)
  for (const name of own)
    expect([name, await letIn(name, before), await letIn(name, after)]).toEqual([name, false, true])

  // Killed at the very end.
  writeFileSync(
    secretsFile(stack.home),
    Object.entries(during)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  )
  await ran(['passwords', 'rotate'])
  expect(readSecrets(stack.home)).toEqual(after)
  for (const name of own) expect([name, await letIn(name, after)]).toEqual([name, true])
}, 180_000)

async function ran(...commands: readonly string[][]): Promise<string> {
  let said = ''
  for (const command of commands) {
    const { code, stdout, stderr } = await stack.tributary(command, { timeoutMs: 240_000 })
    expect(code, `${command.join(' ')}\n${stdout}\n${stderr}`).toBe(0)
    said += stdout + stderr
  }
  return said
}

function letIn(secret: keyof typeof logins, secrets: Readonly<Record<string, string>>): Promise<boolean> {
  const [user, database] = logins[secret]
  return enters({ port: Number(stack.env.POSTGRES_PORT), user, database, password: secrets[secret]! })
}
const names = Object.keys(logins) as (keyof typeof logins)[]
