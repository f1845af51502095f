import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { waitUntil } from '#testing/wait-until'
import type { Launch } from '../launch.ts'
import { type Places, placesOf } from '../places.ts'
import { endSupervisor, openSupervisor, type Supervisor, supervisorPid } from './client.ts'
import { startOf } from './holder.ts'

/** The supervisor itself, with small programs: what it does for servers is in stack/supervision.int.test.ts. */
let folder: string
let places: Places
let supervisor: Supervisor | undefined

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-supervisor-'))
  places = at(join(folder, 'home'))
})
afterEach(async () => {
  supervisor?.close()
  supervisor = undefined
  await endSupervisor(places)
  rmSync(folder, { recursive: true, force: true })
})

function at(home: string): Places {
  mkdirSync(home, { recursive: true })
  return placesOf({ home, cache: join(folder, 'cache'), elasticsearchData: undefined })
}
const node = (code: string, more: Partial<Launch> = {}): Launch => ({
  command: process.execPath,
  args: ['-e', code],
  cwd: folder,
  env: {},
  ...more,
})
const one = async (name = 'x') => (await supervisor!.list()).find((found) => found.name === name)
const options = { definition: 'd', asServer: false }
const FOR_EVER = 'setInterval(() => {}, 1e6)'
const said = (name = 'x') => readFileSync(join(places.logs, `${name}.log`), 'utf8')

test('a process that is killed is started again, after a pause that grows, and the log says why', async () => {
  supervisor = await openSupervisor(places)
  await supervisor.start('x', node(FOR_EVER), options)
  for (let kills = 0; kills < 3; kills++) {
    const { pid } = await waitUntil('it runs', async () => {
      const now = await one()
      return now?.state === 'online' && now.restarts === kills && now
    })
    process.kill(pid!, 'SIGKILL')
  }
  await waitUntil('it runs for the fourth time', async () => (await one())?.restarts === 3)
  expect(said().match(/x was ended by SIGKILL; started again in (\d+) ms/g)).toEqual([
    'x was ended by SIGKILL; started again in 200 ms',
    'x was ended by SIGKILL; started again in 300 ms',
    'x was ended by SIGKILL; started again in 450 ms',
  ])
})

test('a program that is not there is tried again, and its state says what is wrong', async () => {
  supervisor = await openSupervisor(places)
  await supervisor.start('x', { ...node(''), command: join(folder, 'missing') }, options)
  const found = await waitUntil('it was tried twice', async () => {
    const now = await one()
    return (now?.restarts ?? 0) > 0 && now?.state === 'waiting restart' && now
  })
  expect(found.lastEnd).toMatch(/can't be started: .*ENOENT/)
  await supervisor.remove('x')
  expect(await one()).toBeUndefined()
})

test('a process gets the environment it is given, and no word of anybody else', async () => {
  process.env.TRIBUTARY_TEST_SECRET = 'of the caller'
  try {
    supervisor = await openSupervisor(places)
    await supervisor.start('x', node('console.log(JSON.stringify(process.env))', { env: { A: 'b' } }), options)
    const text = await waitUntil('it spoke', () => said().includes('\n') && said())
    expect(JSON.parse(text.split('\n')[0]!)).toEqual({ A: 'b' })
  } finally {
    delete process.env.TRIBUTARY_TEST_SECRET
  }
})

test('it is asked to end with the signal it wants, and what it says last is written down', async () => {
  supervisor = await openSupervisor(places)
  const polite = `process.on('SIGINT', () => { console.log('bye'); process.exit() }); console.log('up');${FOR_EVER}`
  await supervisor.start('x', node(polite, { stopSignal: 'SIGINT' }), options)
  await waitUntil('it listens', () => said().includes('up'))
  const { pid } = (await one())!
  await supervisor.remove('x')
  expect(startOf(pid!)).toBeUndefined()
  expect(said()).toBe('up\nbye\n')
})

test('it outlives who started it, and who comes later finds what runs', async () => {
  const program = `
    import { openSupervisor } from ${JSON.stringify(fileURLToPath(new URL('./client.ts', import.meta.url)))}
    const supervisor = await openSupervisor(${JSON.stringify(places)})
    await supervisor.start('x', ${JSON.stringify(node(FOR_EVER))}, ${JSON.stringify(options)})
    supervisor.close()`
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
  expect(status, stderr).toBe(0)
  supervisor = await openSupervisor(places)
  expect(await one()).toMatchObject({ state: 'online', definition: 'd' })
})

test('two at once find one supervisor', async () => {
  const both = await Promise.all([openSupervisor(places), openSupervisor(places)])
  await both[0]!.start('x', node(FOR_EVER), options)
  expect((await both[1]!.list()).map(({ name }) => name)).toEqual(['x'])
  await expect(both[1]!.start('x', node(FOR_EVER), options)).rejects.toThrow('x is kept already')
  for (const open of both) open.close()
})

test('what a power cut left of another one is no hindrance', async () => {
  mkdirSync(places.supervisor)
  writeFileSync(join(places.supervisor, 'supervisor.pid'), JSON.stringify({ pid: process.pid, started: 'long ago' }))
  writeFileSync(join(places.supervisor, 'supervisor.sock'), '')
  expect(supervisorPid(places)).toBeUndefined()
  supervisor = await openSupervisor(places)
  expect(await supervisor.list()).toEqual([])
})

test('a home whose path is longer than a socket may be, with blanks, quotes and other scripts, is as good', async () => {
  places = at(join(folder, 'my "home" ü', 'x'.repeat(120), "it's", '家'.repeat(40)))
  supervisor = await openSupervisor(places)
  await supervisor.start('x', node(FOR_EVER), options)
  expect((await one())?.state).toBe('online')
})

test('nobody else may open its socket, and what it starts makes files that others may read', async () => {
  const before = process.umask(0o077)
  try {
    supervisor = await openSupervisor(places)
  } finally {
    process.umask(before)
  }
  expect(statSync(join(places.supervisor, 'supervisor.sock')).mode & 0o777).toBe(0o600)
  expect(statSync(places.supervisor).mode & 0o777).toBe(0o700)
  const file = join(folder, 'made')
  await supervisor.start('x', node(`fs.writeFileSync(${JSON.stringify(file)}, ''); ${FOR_EVER}`), options)
  await waitUntil('the file is made', () => existsSync(file))
  expect(statSync(file).mode & 0o777).toBe(0o644)
})

test('when it is told to end, everything ends before it', async () => {
  supervisor = await openSupervisor(places)
  await supervisor.start('x', node(FOR_EVER), options)
  const { pid } = (await one())!
  await endSupervisor(places)
  expect(startOf(pid!)).toBeUndefined()
  expect(existsSync(places.supervisor)).toBe(false)
})

test('one that is stopped says so within seconds', async () => {
  supervisor = await openSupervisor(places)
  const pid = supervisorPid(places)!
  process.kill(pid, 'SIGSTOP')
  try {
    await expect(supervisor.list()).rejects.toThrow(`the supervisor (pid ${pid}) doesn't answer`)
  } finally {
    process.kill(pid, 'SIGCONT')
  }
})

test('a process on trial that ends at once stays stopped, says how it ended, and can be tried again', async () => {
  supervisor = await openSupervisor(places)
  const mark = join(folder, 'well')
  await supervisor.start(
    'x',
    node(`if (!fs.existsSync(${JSON.stringify(mark)})) process.exit(3); ${FOR_EVER}`),
    options,
  )
  await supervisor.restart('x', { onTrial: true })
  const ended = await waitUntil('it has ended', async () => {
    const now = await one()
    return now?.state === 'stopped' && now
  })
  expect([ended.pid, ended.lastEnd]).toEqual([undefined, 'ended with status 3'])
  await waitUntil('the log says it', () => said().includes('x ended with status 3; it was on trial: not started again'))
  writeFileSync(mark, '')
  await supervisor.restart('x', { onTrial: true })
  expect((await one())?.state).toBe('online')
  const { pid, restarts } = (await one())!
  await supervisor.keep('x')
  process.kill(pid!, 'SIGKILL')
  await waitUntil('a trial that is over is over', async () => (await one())?.restarts === restarts + 1)
})
