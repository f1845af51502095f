import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { Changes } from './changes.ts'
import { addEvent } from './event.ts'
import { addReadModel } from './read-model.ts'
import { Refused } from './refused.ts'
import { addReport } from './report.ts'
import { addService } from './service.ts'

const template = join(import.meta.dirname, '../../create/template')
const root = mkdtempSync(join(tmpdir(), 'add-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
beforeEach(() => {
  rmSync(root, { recursive: true, force: true })
  cpSync(template, root, { recursive: true })
  cpSync(join(root, '_package.json'), join(root, 'package.json'))
})

const edit = (path: string, from: string, to: string) => {
  const text = readFileSync(join(root, path), 'utf8')
  if (!text.includes(from)) throw new Error(`${path} has no ${from}`)
  writeFileSync(join(root, path), text.replace(from, to))
}
const service = (name: string, event?: string) => (changes: Changes) => addService(changes, name, { event })
const event =
  (name: string, ...field: string[]) =>
  (changes: Changes) =>
    addEvent(changes, 'loans', name, { field })
const readModel = (name: string, from: string[], event?: string) => (changes: Changes) =>
  addReadModel(changes, name, { from, event })

/** The reason for which it is refused. */
function refusal(adding: (changes: Changes) => unknown): string {
  try {
    adding(new Changes(root))
  } catch (error) {
    expect(error).toBeInstanceOf(Refused)
    return (error as Error).message
  }
  throw new Error('it was taken')
}

test.each([
  ['late-fees', /letters a to z and digits/],
  ['Fines', /letters a to z and digits/],
  ['order', /is a key word of SQL/],
  ['class', /is a key word/],
  ['kafka', /a part of the machine is called so/],
  ['map', /"Map" is what TypeScript code calls something else/],
  ['loans', /there is a service "loans" already/],
])('a service can’t be called %s', (name, reason) => {
  expect(refusal(service(name))).toMatch(reason)
})

test.each([
  ['bookLent', [], /the first a capital/],
  ['Error', [], /is what TypeScript code calls something else/],
  ['BookLent', [], /"loans" publishes "BookLent" already/],
  ['MemberJoined', [], /a record "MemberJoined" already: schemas\/events\/members/],
  ['BookLost', ['a:int', 'a:int'], /"a" is given twice/],
  ['BookLost', ['loanId:int'], /is of the key, and of another type there/],
  ['BookLost', ['a:money'], /is not a field/],
])('an event %s with the fields %j is refused', (name, fields, reason) => {
  expect(refusal(event(name, ...fields))).toMatch(reason)
})

test.each([
  ['loans', ['loans'], undefined, /there is a read model "loans" already/],
  ['new', ['loans'], undefined, /is a key word/],
  ['shelf', ['shelves'], undefined, /no service "shelves".*there are: members, loans/],
  ['shelf', ['loans'], 'BookLost', /doesn't say how "BookLost" is keyed; these are: BookLent, BookReturned/],
  ['shelf', ['members', 'loans'], undefined, /a member has no "loanId" by which its loan could be found/],
  ['shelf', ['loans', 'loans'], undefined, /"loans" is given twice/],
  ['verification', ['loans'], undefined, /imports something called "verification" already/],
])('a read model %s from %j is refused', (name, from, begins, reason) => {
  expect(refusal(readModel(name, from, begins))).toMatch(reason)
})

test('a report of what there isn’t, and one whose id is taken, are refused', () => {
  expect(refusal((changes) => addReport(changes, 'x', { of: 'fines' }))).toMatch(
    /no read model "fines"; there are: loans/,
  )
  expect(refusal((changes) => addReport(changes, 'loans', { of: 'loans' }))).toMatch(/a report "loans" already/)
})

test('a service whose event or folder is taken is refused', () => {
  expect(refusal(service('fines', 'BookLent'))).toMatch(/a record "BookLent" already/)
  cpSync(join(root, 'producers/loans'), join(root, 'producers/fines'), { recursive: true })
  expect(refusal(service('fines'))).toMatch(/producers\/fines is there already/)
})

test('where a list is written in a way that isn’t known, what to write by hand is said', () => {
  edit('tributary.config.ts', 'topologies: [{ topology: loansTopology }]', 'topologies: all()')
  expect(refusal(readModel('shelf', ['loans']))).toBe(
    [
      "tributary.config.ts: `topologies` isn't written as a list where an entry could be put. Write it so, or by hand:",
      "  import { shelfTopology } from '#processors/shelf/topology.ts'",
      '  { topology: shelfTopology }',
    ].join('\n'),
  )
})

test('a list that stands elsewhere is found there', () => {
  edit('tributary.config.ts', 'reports: [loansReport]', 'reports')
  edit(
    'tributary.config.ts',
    '\nexport default',
    '\nconst reports = [loansReport] satisfies unknown[]\n\nexport default',
  )
  const changes = new Changes(root)
  addReport(changes, 'shelf', { of: 'loans' })
  expect(changes.read('tributary.config.ts')).toContain('const reports = [loansReport, shelfReport] satisfies')
})

test('handlers that stand elsewhere get the new event’s; those that can’t be found are an error', () => {
  const path = 'processors/loans/topology.ts'
  edit(path, '{ MemberJoined: (_, { name }) => ({ name }) }', 'handlers')
  const adding = (changes: Changes) => addEvent(changes, 'members', 'MemberLeft', { field: [] })
  expect(refusal(adding)).toMatch(/folds all events of Members, and its handlers aren't written where they are used/)
  edit(path, '/** Every', 'const handlers = { MemberJoined: () => null }\n\n/** Every')
  const changes = new Changes(root)
  adding(changes)
  expect(changes.read(path)).toContain('const handlers = { MemberJoined: () => null, MemberLeft: (row) => row }')
})

test('an event is keyed as the one it is like, and doesn’t take that one’s own moment', () => {
  const changes = new Changes(root)
  addEvent(changes, 'loans', 'BookLost', { field: ['where:string?'] })
  expect(changes.read('producers/loans/service.ts')).toContain('\n    BookLost: loan,\n  }),')
  const { fields } = JSON.parse(changes.read('schemas/events/loans/BookLost.avsc'))
  expect(fields).toEqual([
    { name: 'loanId', type: 'string' },
    { name: 'where', type: ['null', 'string'], default: null },
  ])
})

test('a service’s topic says its key, which is an id of its own kind', () => {
  const changes = new Changes(root)
  addService(changes, 'fines', {})
  expect(changes.read('schemas/topics.ts')).toContain(
    "eventsTopic('fines', { FineAdded }, { key: (event) => event.fineId })",
  )
  expect(JSON.parse(changes.read('schemas/rules.json')).ids).toMatchObject({ fineId: 'fine' })
  expect(changes.read('schemas/contracts.generated.ts')).toContain("fineId: Id<'fine'>")
})

test('a key may be a number, which has a rule, a column and an id of its own', () => {
  const changes = new Changes(root)
  addService(changes, 'berths', { key: 'berthNo:int' })
  expect(changes.read('schemas/topics.ts')).toContain('{ key: (event) => event.berthNo }')
  const { kinds, fields, ids } = JSON.parse(changes.read('schemas/rules.json'))
  expect(kinds.berthNo).toMatchObject({ type: 'integer', min: 0, max: 2 ** 31 - 1 })
  expect([fields.berthNo, ids.berthNo]).toEqual(['berthNo', 'berth'])
  expect(changes.read('schemas/contracts.generated.ts')).toContain("berthNo: Id<'berth', number>")
  expect(changes.read('schemas/values.ts')).toContain("export const berthNo = integer('berthNo', { of: 'berth' })")
  expect(changes.read('producers/berths/service.ts')).toContain("table.integer('berth_no').primary()")
  addReadModel(changes, 'berths', { from: ['berths'] })
  expect(changes.read('schemas/topics.ts')).toContain("rowsTopic('berths', BerthRow, { key: (row) => row.berthNo })")
  expect(changes.read('sinks/verify/berths.sql')).toContain('berth_no::text as key')
})

test.each(['berthNo', 'berthNo:double', 'berthNo:int?', 'berth-no:int', 'name:string', ':int'])(
  'a key like %s is refused',
  (key) => {
    expect(() => addService(new Changes(root), 'berths', { key })).toThrow(Refused)
  },
)

test('where a topic keys each event by itself, a new one has the key of the one it is like', () => {
  edit(
    'schemas/topics.ts',
    '{ key: (event) => event.loanId }',
    '{ key: { BookLent: (e) => e.loanId, BookReturned: ({ loanId }) => loanId } }',
  )
  const changes = new Changes(root)
  addEvent(changes, 'loans', 'BookLost', { field: [], like: 'BookReturned' })
  expect(changes.read('schemas/topics.ts')).toContain('BookLost: ({ loanId }) => loanId')
  const { fields } = JSON.parse(changes.read('schemas/events/loans/BookLost.avsc'))
  expect(fields).toEqual([{ name: 'loanId', type: 'string' }])
})

test('a write that fails half way is taken back', () => {
  const changes = new Changes(root)
  addService(changes, 'fines', {})
  // A folder stands where a file is to be replaced.
  rmSync(join(root, 'schemas/rules.json'))
  mkdirSync(join(root, 'schemas/rules.json/folder'), { recursive: true })
  const before = globSync('**/*', { cwd: root }).sort()
  const topics = readFileSync(join(root, 'schemas/topics.ts'), 'utf8')
  expect(() => changes.write()).toThrow(/rules\.json/)
  expect(globSync('**/*', { cwd: root }).sort()).toEqual(before)
  expect(readFileSync(join(root, 'schemas/topics.ts'), 'utf8')).toBe(topics)
})
