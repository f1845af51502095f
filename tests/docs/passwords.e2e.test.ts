import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readSecrets, secretsFile } from '../../packages/tributary/stack/secrets.ts'
import { waitUntil } from '../../packages/tributary/testing/wait-until.ts'
import { enters } from '../harness/enters.ts'
import { type OwnStack, ownStack } from './own-stack.ts'

/** Whose password each secret is, and a database that it enters. */
const logins: Readonly<Record<string, readonly [user: string, database: string]>> = {
  POSTGRES_PASSWORD: ['postgres', 'postgres'],
  REGISTRY_DB_PASSWORD: ['registry', 'registry'],
  MEMBERS_DB_PASSWORD: ['members', 'members'],
  MEMBERS_CONNECTOR_PASSWORD: ['members_connector', 'members'],
  LOANS_DB_PASSWORD: ['loans', 'loans'],
  LOANS_CONNECTOR_PASSWORD: ['loans_connector', 'loans'],
  VERIFY_DB_PASSWORD: ['verifier', 'loans'],
  FRESHNESS_DB_PASSWORD: ['freshness', 'loans'],
  MAINTAINER_DB_PASSWORD: ['maintainer', 'loans'],
}

let library: OwnStack
let home: string
beforeAll(async () => {
  library = await ownStack('passwords')
  home = join(library.folder, '.tributary')
  await library.tributary('up')
}, 400_000)
afterAll(() => library?.remove(), 120_000)

/** Whether a secret's login is let in with the password that it has there. */
function letIn(secret: string, secrets: Readonly<Record<string, string>>): Promise<boolean> {
  const [user, database] = logins[secret]!
  const port = Number(new URL(library.at('POSTGRES_PORT')).port)
  return enters({ port, user, database, password: secrets[secret]! })
}

/** Lends books, one after the other, until it is told to stop: each is tried again until it is lent. */
function lend() {
  const lent: string[] = []
  const refusals = new Set<number | string>()
  let going = true
  const post = (loanId: string) =>
    fetch(`${library.at('LOANS_PORT')}/loans`, {
      method: 'POST',
      // The same command again is the same answer, whatever became of the first one's.
      headers: { 'content-type': 'application/json', 'idempotency-key': loanId },
      body: JSON.stringify({ loanId, memberId: 'm1', title: 'Momo', lentAt: '2026-01-02T03:04:05Z' }),
    }).then(
      ({ status }) => status,
      () => 'no answer',
    )
  const traffic = (async () => {
    while (going) {
      const loanId = `l${lent.length}`
      await waitUntil(
        `${loanId} is lent`,
        async () => {
          const answer = await post(loanId)
          if (answer !== 201) refusals.add(answer)
          return answer === 201
        },
        { timeoutMs: 120_000, everyMs: 50 },
      )
      lent.push(loanId)
      // The rotation is what is tested here, not how much a stack bears.
      await sleep(50)
    }
  })()
  return {
    lent,
    refusals,
    async stop() {
      going = false
      await traffic
    },
  }
}

const documents = async () => {
  const answer = await fetch(`${library.at('ELASTICSEARCH_PORT')}/loans/_count`)
  return ((await answer.json()) as { count: number }).count
}

test('a rotation under traffic that is killed in the middle and run again: nothing is lost, every login has a new password', async () => {
  const before = readSecrets(home)
  expect(Object.keys(before).toSorted()).toEqual(Object.keys(logins).toSorted())
  const traffic = lend()
  await waitUntil('books are lent', () => traffic.lent.length > 10)

  const killed = spawn('node', ['node_modules/tributary/tributary.ts', 'passwords', 'rotate'], {
    cwd: library.folder,
    stdio: 'ignore',
  })
  await waitUntil('new passwords are in the file', () => readSecrets(home).POSTGRES_PASSWORD_BEFORE !== undefined, {
    timeoutMs: 60_000,
    everyMs: 5,
  })
  killed.kill('SIGKILL')
  await once(killed, 'exit')
  const during = readSecrets(home)

  const said = await library.tributary('passwords rotate')
  const lentDuring = traffic.lent.length
  await waitUntil('books are lent again', () => traffic.lent.length > lentDuring + 10)
  await traffic.stop()
  expect(said).toContain('going on with a rotation that was not ended')
  expect(said).toContain(`${Object.keys(logins).length} passwords are new`)
  // Refused for a moment, as by a service that is started anew; nothing else.
  expect([...traffic.refusals].filter((answer) => answer !== 503 && answer !== 'no answer')).toEqual([])

  const after = readSecrets(home)
  expect({ ...after, POSTGRES_PASSWORD_BEFORE: before.POSTGRES_PASSWORD }).toEqual(during)
  for (const name of Object.keys(logins))
    expect([name, await letIn(name, before), await letIn(name, after)]).toEqual([name, false, true])
  expect(statSync(secretsFile(home)).mode & 0o777).toBe(0o600)
  const logs = readdirSync(join(home, 'logs')).map((name) => readFileSync(join(home, 'logs', name), 'utf8'))
  expect(logs.join('').length).toBeGreaterThan(0)
  for (const secret of [...Object.values(before), ...Object.values(after)])
    expect(said + logs.join('')).not.toContain(secret)

  expect(JSON.parse(await library.tributary('status --json'))).toMatchObject({ ready: true })
  await library.tributary('wait')
  expect(await documents()).toBe(traffic.lent.length)
  expect(await library.tributary('verify')).toContain('all equal')
}, 400_000)
