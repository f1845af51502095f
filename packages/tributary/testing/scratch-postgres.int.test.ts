import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { expect, test } from 'vitest'
import { scratchDatabase } from './scratch-database.ts'
import { type ScratchPostgres, scratchPostgres } from './scratch-postgres.ts'
import { boxes } from './toy-services.ts'
import { waitUntil } from './wait-until.ts'

const answers = async (login: ScratchPostgres): Promise<boolean> => {
  const client = new pg.Client({ ...login, database: 'postgres' })
  client.on('error', () => {})
  return client.connect().then(
    () => client.end().then(() => true),
    () => false,
  )
}
const folders = () => readdirSync(tmpdir()).filter((name) => name.startsWith('tributary-postgres-'))

test('a process has one server, which goes with it and leaves nothing, also when it is killed', async () => {
  const before = folders()
  const file = join(import.meta.dirname, 'scratch-postgres.ts')
  const program = `
    const { scratchPostgres } = await import(${JSON.stringify(file)})
    const [one, other] = await Promise.all([scratchPostgres(), scratchPostgres()])
    console.log(JSON.stringify([one, other]))
    setInterval(() => {}, 1_000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [said] = await once(child.stdout, 'data')
  const [one, other] = JSON.parse(String(said))
  expect(one).toEqual(other)
  expect(await answers(one)).toBe(true)
  expect(folders()).toHaveLength(before.length + 1)
  child.kill('SIGKILL')
  await waitUntil('the server and its folder are gone', async () => {
    return !(await answers(one)) && folders().every((name) => before.includes(name))
  })
})

test('a server on which a system has its logins is left alone', async () => {
  const client = new pg.Client({ ...(await scratchPostgres()), database: 'postgres' })
  await client.connect()
  try {
    await client.query(`create role maintainer login password 'of a running system'`)
    await expect(scratchDatabase(boxes)).rejects.toThrow('give one that is there for tests alone')
  } finally {
    await client.query('drop role maintainer')
    await client.end()
  }
  await using database = await scratchDatabase(boxes)
  expect(database.service.user).toBe('boxes')
})
