import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { concernedBy, joined, modulesOf, type Project } from './project.ts'
import { faultOf, readProject } from './read-project.ts'

const repository = join(import.meta.dirname, '../../../..')
/** A new project, below the repository, so that the package is found in the repository's node_modules. */
const root = join(repository, '.tributary', `dev-test-${process.pid}`)
const home = join(root, '.tributary')
let project: Project

beforeAll(async () => {
  mkdirSync(home, { recursive: true })
  cpSync(join(repository, 'packages/create/template'), root, { recursive: true })
  renameSync(join(root, '_package.json'), join(root, 'package.json'))
  const loaded = await readProject(root, home)
  expect(loaded.faults).toEqual([])
  project = loaded.project!
}, 60_000)
afterAll(() => rmSync(root, { recursive: true, force: true }))

const concerned = (...files: string[]) => [
  ...concernedBy(
    project,
    root,
    files.map((file) => join(root, file)),
  ),
]
const everybody = ['members', 'loans', 'processor-loans', 'sink', 'freshness', 'reports', 'watch']

/** Another content for a file until the test is over. */
async function changed<T>(file: string, edit: (text: string) => string, work: () => Promise<T>): Promise<T> {
  const path = join(root, file)
  const before = readFileSync(path, 'utf8')
  writeFileSync(path, edit(before))
  try {
    return await work()
  } finally {
    writeFileSync(path, before)
  }
}

test.each([
  ['a service', 'producers/loans/service.ts', ['loans']],
  ['a topology', 'processors/loans/topology.ts', ['processor-loans', 'freshness']],
  ['a report', 'sinks/reports/loans.ts', ['reports']],
  ['read models', 'sinks/read-models.ts', ['sink', 'freshness', 'reports']],
  ['what only commands use', 'sinks/verify/verification.ts', []],
  ['topics', 'schemas/topics.ts', everybody],
  ['the config', 'tributary.config.ts', everybody],
])('%s concerns the processes that are made of it', (_, file, names) => {
  expect(concerned(file).sort()).toEqual([...names].sort())
})

test('a file that is no module goes with the modules of its folder; rules that all load concern all', () => {
  expect(concerned('producers/members/report.sql')).toEqual(['members'])
  expect(concerned('producers/members/sql/deep/report.sql')).toEqual(['members'])
  expect(concerned('sinks/verify/loans.sql')).toEqual([])
  expect(concerned('schemas/rules.json').sort()).toEqual([...everybody].sort())
})

test('a module that nobody imports, a test and the page of a reader concern nobody', () => {
  expect(
    concerned('producers/loans/later.ts', 'processors/loans/topology.test.ts', 'README.md', 'docs/x.json'),
  ).toEqual([])
})

test('a service that does not load is named with the place, and the others are known all the same', async () => {
  const text = 'producers/loans/service.ts'
  const lines = readFileSync(join(root, text), 'utf8').split('\n').length
  const loaded = await changed(
    text,
    (before) => `${before}export const broken = {{\n`,
    () => readProject(root, home),
  )
  expect(loaded.faults).toEqual([
    { service: 'loans', place: `${text}:${lines}`, message: expect.stringContaining('Unexpected token `{`') },
  ])
  const both = joined(project, loaded.project!)
  const values = join(root, 'schemas/values.ts')
  expect(modulesOf(loaded.project!, 'loans')).not.toContain(values)
  expect(modulesOf(both, 'loans'), 'what it was made of before counts').toContain(values)
  expect([...concernedBy(both, root, [join(root, text)])]).toEqual(['loans'])
  expect([...concernedBy(both, root, [join(root, 'producers/members/service.ts')])]).toEqual(['members'])
})

test('a config that does not load is a fault of the whole project', async () => {
  const loaded = await changed(
    'tributary.config.ts',
    (before) => before.replace('{ loansReport }', '{ noReport }'),
    () => readProject(root, home),
  )
  expect(loaded).toEqual({
    faults: [{ place: 'tributary.config.ts:5', message: expect.stringContaining("named 'noReport'") }],
  })
})

test('a new step of a database asks for migrations, and for nothing else', async () => {
  const step = "migrations: [{ name: 'loans/999_more', up: async () => {} }, "
  const loaded = await changed(
    'producers/loans/service.ts',
    (before) => before.replace('migrations: [', step),
    () => readProject(root, home),
  )
  const { migrate, ...others } = project.setUp
  expect(loaded.project?.setUp).toMatchObject(others)
  expect(loaded.project?.setUp.migrate).not.toBe(migrate)
})

test('a file that is missing is named by who imports it', () => {
  const stack = `Error [ERR_MODULE_NOT_FOUND]: Cannot find module '/p/x/gone.ts' imported from /p/x/here.ts\n    at f (node:x:1:2)`
  expect(faultOf(stack, '/p')).toEqual({
    place: 'x/here.ts',
    message: "Cannot find module 'x/gone.ts' imported from x/here.ts",
  })
})

test('what is thrown while modules load is placed in the project, not in what is installed', () => {
  const stack = `TypeError: no\n    at f (file:///p/node_modules/y/y.js:9:2)\n    at file:///p/x/here.ts:12:3`
  expect(faultOf(stack, '/p')).toEqual({ place: 'x/here.ts:12', message: 'TypeError: no' })
})
