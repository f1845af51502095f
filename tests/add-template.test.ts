import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Copy, differences } from './harness/copies.ts'

let copy: Copy
beforeAll(() => {
  copy = Copy.ofTemplate()
}, 240_000)
afterAll(() => copy?.remove())

test.each([
  ['service fines', 'producers/fines/service.ts'],
  ['event fines FineForgiven --field forgivenAt:instant --field name:string', 'schemas/events/fines/FineForgiven.avsc'],
  ['event members MemberLeft', 'schemas/events/members/MemberLeft.avsc'],
  ['read-model fines --from fines', 'processors/fines/topology.ts'],
  ['topology borrowings --from loans members', 'processors/borrowings/topology.ts'],
  ['report fines --of fines', 'sinks/reports/fines.ts'],
  ['service berths --key berthNo:int', 'producers/berths/service.ts'],
  ['event berths BerthClosed', 'schemas/events/berths/BerthClosed.avsc'],
  ['read-model berths --from berths', 'processors/berths/topology.ts'],
])(
  '`add %s` says what it wrote, what it changed, and what is next',
  (typed, path) => {
    const before = copy.files()
    const { code, says } = copy.tributary('add', ...typed.split(' '))
    expect({ code, says }).toEqual({ code: 0, says: expect.stringMatching(/\nnext\n {2}\S/) })
    const { created, changed, gone } = differences(before, copy.files())
    const said = (word: string) =>
      [...says.matchAll(new RegExp(`^${word} +(.*)$`, 'gm'))].map(([, file]) => file).sort()
    expect(created).toContain(path)
    expect({ created: said('wrote'), changed: said('changed'), gone }).toEqual({ created, changed, gone: [] })
  },
  60_000,
)

test('a topology that folds all events of a topic gets a handler for a new one, which keeps the row', () => {
  const topology = copy.files().get('processors/loans/topology.ts')
  expect(topology).toContain('    MemberJoined: (_, { name }) => ({ name }),\n    MemberLeft: (row) => row,\n  })')
})

test('a read model that is made afterwards takes from a later event what its row has of it', () => {
  const topology = copy.files().get('processors/fines/topology.ts')
  expect(topology).toContain('FineAdded: (_, event) => event,')
  expect(topology).toContain('FineForgiven: (row, event) => row && { ...row, name: event.name },')
})

test('with all of it the project is well typed and up to date, and its tests pass', () => {
  expect(copy.run('tsc', '--noEmit', '--singleThreaded')).toEqual({ code: 0, says: '' })
  expect(copy.tributary('schemas', 'generate', '--check')).toMatchObject({ code: 0 })
  const tests = copy.run('vitest', 'run', '--project', 'unit')
  expect(tests).toEqual({ code: 0, says: expect.stringMatching(/Tests +10 passed/) })
}, 240_000)

test('the system has what was added', async () => {
  const { says } = copy.tributary('describe', '--json')
  const { services, topologies, readModels, reports } = JSON.parse(says)
  const names = (of: { name: string }[]) => of.map(({ name }) => name)
  expect(names(services)).toEqual(['members', 'loans', 'fines', 'berths'])
  expect(names(topologies)).toEqual(['loans', 'fines', 'borrowings', 'berths'])
  expect(names(readModels)).toEqual(['loans', 'fines', 'borrowings', 'berths'])
  expect(JSON.stringify({ services, reports })).toContain('FineForgiven')
}, 60_000)

test.each([
  ['what is there already', ['service', 'loans'], 'there is a service "loans" already'],
  ['a name that can’t be', ['service', 'late-fees'], 'a service can\'t be called "late-fees"'],
])('%s is refused, and no file is touched', (_, typed, reason) => {
  const before = copy.files()
  const { code, says } = copy.tributary('add', ...typed)
  expect({ code, says }).toEqual({ code: 1, says: expect.stringContaining(reason) })
  expect(differences(before, copy.files())).toEqual({ created: [], changed: [], gone: [] })
})

test('a config that can’t be read is refused with the place of the fault', () => {
  const config = copy.files().get('tributary.config.ts')!
  writeFileSync(join(copy.root, 'tributary.config.ts'), `${config}\n}`)
  const before = copy.files()
  const { code, says } = copy.tributary('add', 'service', 'shelves')
  expect({ code, says }).toEqual({
    code: 1,
    says: expect.stringMatching(/tributary\.config\.ts can't be read.*\(\d+:\d+\)/),
  })
  expect(copy.tributary('add', '--help')).toMatchObject({ code: 0, says: expect.stringContaining('read-model') })
  expect(differences(before, copy.files())).toEqual({ created: [], changed: [], gone: [] })
  writeFileSync(join(copy.root, 'tributary.config.ts'), config)
})

test('a project that can’t be loaded for another reason gets what was asked for, and is told the reason', () => {
  const broken = join(copy.root, 'processors/loans/topology.ts')
  const topology = copy.files().get('processors/loans/topology.ts')!
  writeFileSync(broken, `throw new Error('not today')\n${topology}`)
  const { code, says } = copy.tributary('add', 'service', 'shelves')
  expect({ code, says }).toEqual({
    code: 0,
    says: expect.stringMatching(/can't be loaded, and couldn't be before[\s\S]*not today/),
  })
  writeFileSync(broken, topology)
  expect(copy.tributary('describe').says).toContain('shelves')
}, 60_000)

test('what makes a sound project unloadable is taken back', () => {
  // Reports are checked when the system is defined: this one's tab would be there twice.
  const reports = join(copy.root, 'sinks/reports/loans.ts')
  const text = copy.files().get('sinks/reports/loans.ts')!
  writeFileSync(reports, text.replace("id: 'loans',\n  title", "id: ['shel', 'ves'].join(''),\n  title"))
  const before = copy.files()
  const { code, says } = copy.tributary('add', 'report', 'shelves', '--of', 'loans')
  expect({ code, says }).toEqual({ code: 1, says: expect.stringMatching(/nothing is added[\s\S]*shelves/) })
  expect(differences(before, copy.files())).toEqual({ created: [], changed: [], gone: [] })
  writeFileSync(reports, text)
}, 60_000)
