import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePorts } from '#testing/free-ports'
import { waitUntil } from '#testing/wait-until'
import { readStackSettings } from '../environment.ts'
import { placesOf } from '../places.ts'
import { shapeOf } from '../shape.ts'
import { endSupervisor, openSupervisor, type Supervisor } from '../supervisor/client.ts'
import { Changes } from './changes.ts'
import { Loader } from './read-project.ts'
import { Restarts } from './restarts.ts'
import type { Screen } from './screen.ts'
import { Types } from './types.ts'
import { type WatchedFiles, watchFiles } from './watch-files.ts'

/**
 * The loop from a save to a process that runs it, with a real supervisor and a new project's own files. The process is a
 * small program that loads a service of it and needs no server; the whole is in tests/dev.int.test.ts.
 */
const repository = join(import.meta.dirname, '../../../..')
/** Below the repository, so that the package is found in the repository's node_modules. */
const root = join(repository, '.tributary', `changes-test-${process.pid}`)
const home = join(root, '.tributary')
const places = placesOf({ home, cache: home, elasticsearchData: undefined })
const SERVICE = 'producers/members/service.ts'
const program = `
  import { createServer } from 'node:http'
  const { service } = await import(${JSON.stringify(`file://${join(root, SERVICE)}`)})
  const about = JSON.stringify({ description: service.description, pid: process.pid })
  createServer((_, response) => response.end(about)).listen(Number(process.env.PORT), '127.0.0.1')`

let original: string
let port: number
let supervisor: Supervisor
let watched: WatchedFiles
let changes: Changes | undefined
let said: string[] = []
/** What was to run when the processes became others. */
const broughtUp: (readonly string[] | undefined)[] = []

beforeAll(async () => {
  mkdirSync(home, { recursive: true })
  cpSync(join(repository, 'packages/create/template'), root, { recursive: true })
  renameSync(join(root, '_package.json'), join(root, 'package.json'))
  original = readFileSync(join(root, SERVICE), 'utf8')
  port = (await freePorts(1))[0]!

  const shape = shapeOf({ services: ['members', 'loans'], topologies: new Map([['loans', {}]]) })
  const settings = readStackSettings(shape, { TRIBUTARY_HOME: home, MEMBERS_PORT: String(port), STACK: 'native' })
  supervisor = await openSupervisor(places)
  const launch = { command: process.execPath, args: ['--input-type=module', '-e', program], cwd: root }
  await supervisor.start('members', { ...launch, env: { PORT: String(port) } }, { definition: 'd', asServer: false })

  const say = (_: string, text: string) => void said.push(text)
  const screen: Screen = { logged: say, fault: say, well: say, say: (text) => void said.push(text) }
  const loader = new Loader(root, home)
  const { project, faults } = await loader.load()
  expect(faults).toEqual([])
  watched = watchFiles((files) => changes?.add(files))
  const parts = {
    ...{ root, screen, supervisor, loader, watched },
    restarts: new Restarts(supervisor, screen),
    // Types have a test of their own: a folder without settings has none to check.
    types: new Types(home, home, screen),
    only: ['members', 'loans'],
    up: async (_: unknown, __: unknown, only: readonly string[] | undefined) => void broughtUp.push(only),
  }
  changes = new Changes(parts, settings, { project: project!, faults })
  await waitUntil('the process answers', described)
}, 120_000)
afterAll(async () => {
  changes?.close()
  watched?.close()
  supervisor?.close()
  await endSupervisor(places)
  rmSync(root, { recursive: true, force: true })
}, 60_000)

function save(text: string): void {
  said = []
  writeFileSync(join(root, `${SERVICE}~`), text)
  renameSync(join(root, `${SERVICE}~`), join(root, SERVICE))
}
const describing = (text: string) => original.replace(/description: '.*'/, `description: '${text}'`)
const answer = async () =>
  (await fetch(`http://127.0.0.1:${port}`)).json() as Promise<{ description: string; pid: number }>
const described = async () => (await answer()).description
const saidIt = (text: string) =>
  waitUntil(
    `it says ${text}`,
    () => {
      if (!said.some((one) => one.includes(text))) throw new Error(said.join('\n'))
      return true
    },
    { timeoutMs: 60_000 },
  )

test('what is saved is what answers', async () => {
  save(describing('new words'))
  await saidIt('members runs what is written')
  expect(await described()).toBe('new words')
  expect(said[0]).toBe(`${SERVICE} → members`)
}, 90_000)

test('a file that does not load is named with its line, and the old process goes on until one is saved that does', async () => {
  const { pid } = await answer()
  save(`${describing('broken')}export const broken = {{\n`)
  await saidIt(`${SERVICE}:${original.split('\n').length} `)
  expect(await answer()).toEqual({ description: 'new words', pid })
  save(describing('mended'))
  await saidIt('members runs what is written')
  expect(said).toContain('everything loads again')
  expect(await described()).toBe('mended')
}, 90_000)

test('a process that ends at its start is not tried again and again; the next save starts it', async () => {
  save(`${describing('ends')}if (process.env.PORT) throw new Error('no luck')\n`)
  await saidIt('members ended with status 1: it is started again when you save')
  expect((await supervisor.list())[0]).toMatchObject({ state: 'stopped' })
  // Whatever is saved: what it needs may be elsewhere.
  save(describing('begins'))
  await saidIt('members runs what is written')
  expect(await described()).toBe('begins')
}, 90_000)

test('the change of another process is none of its', async () => {
  const { pid } = await answer()
  said = []
  writeFileSync(
    join(root, 'producers/loans/service.ts'),
    `${readFileSync(join(root, 'producers/loans/service.ts'), 'utf8')}\n`,
  )
  await saidIt('producers/loans/service.ts → loans')
  expect((await answer()).pid).toBe(pid)
}, 90_000)

test('a schema that can not be generated holds back nothing that is saved with it', async () => {
  const schema = join(root, 'schemas/events/members/MemberJoined.avsc')
  const text = readFileSync(schema, 'utf8')
  writeFileSync(schema, '{ no schema')
  save(describing('beside a broken schema'))
  await saidIt('members runs what is written')
  expect(said.join('\n')).toContain('MemberJoined.avsc')
  expect(await described()).toBe('beside a broken schema')
  said = []
  writeFileSync(schema, text.replace('Somebody became', 'Someone became'))
  await saidIt('schemas/contracts.generated.ts → ')
  await saidIt('members runs what is written')
}, 90_000)

test('with --only, a process that is new is not started, and that is said', async () => {
  const config = join(root, 'tributary.config.ts')
  const text = readFileSync(config, 'utf8')
  said = []
  const without = text
    .replace('{ topology: loansTopology }', '')
    .replace('readModels: [loans]', 'readModels: []')
    .replace('reports: [loansReport]', 'reports: []')
  writeFileSync(config, without)
  await saidIt('the project has other processes now')
  await waitUntil('it is brought up', () => broughtUp.length === 1)
  said = []
  writeFileSync(config, text)
  await saidIt("not started, since --only doesn't name it: processor-loans")
  expect(broughtUp).toEqual([
    ['members', 'loans'],
    ['members', 'loans'],
  ])
}, 90_000)
