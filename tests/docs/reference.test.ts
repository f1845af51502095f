import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { rulesFile } from '../../packages/tributary/contracts/rules-file.ts'
import { Aggregates } from '../../packages/tributary/engine/dsl/aggregates.ts'
import { Table } from '../../packages/tributary/engine/dsl/table.ts'
import manifest from '../../packages/tributary/package.json' with { type: 'json' }
import { paces } from '../../packages/tributary/read-models/read-model.ts'
import { commandsText } from '../../packages/tributary/runtime/commands.ts'
import { shape } from '../../packages/tributary/testing/stack.ts'
import system from '../../tributary.config.ts'
import { roleFor, roleOfGuide } from './elasticsearch-role.ts'
import { fieldsOf } from './interfaces.ts'
import { repository } from './project.ts'

const read = (path: string) => readFileSync(join(repository, path), 'utf8')
/** What an interface of the package names, methods included. */
function fieldsIn(file: string, name: string): readonly string[] {
  const [, , body = ''] =
    new RegExp(`export interface ${name}(<[^\\n]*)? \\{\\n([\\s\\S]*?)\\n\\}`).exec(
      read(`packages/tributary/${file}`),
    ) ?? []
  return [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??[:(<]/gm)].map(([, field]) => field!)
}

test('every setting of .env.example stands on the page of settings', () => {
  const named = [...read('.env.example').matchAll(/^#?([A-Z][A-Z_]+)=/gm)].map(([, name]) => name!)
  const general = (name: string) =>
    name.startsWith('PROCESSOR_')
      ? 'PROCESSOR_<TOPOLOGY>_PORT'
      : shape.services.some((service) => name === `${service.toUpperCase()}_PORT`)
        ? '<SERVICE>_PORT'
        : name
  const page = read('docs/reference/settings.md')
  expect(named.length).toBeGreaterThan(30)
  expect(named.filter((name) => !page.includes(`| \`${general(name)}\` |`))).toEqual([])
})

test('the role for Elasticsearch names the read models of the marketplace, and nothing else', () => {
  expect(roleOfGuide()).toEqual(roleFor(system.readModels.map(({ name }) => name)))
})

test('everything that rules.json can say stands on its page', () => {
  const named = new Set<string>()
  JSON.stringify(z.toJSONSchema(rulesFile, { io: 'input' }), (_, value) => {
    for (const name of Object.keys(value?.properties ?? {})) named.add(name)
    if (value?.const) named.add(value.const)
    return value
  })
  expect([...named]).toEqual(expect.arrayContaining(['kinds', 'pattern', 'day', 'sum', 'each']))
  const page = read('docs/reference/rules.md')
  expect([...named].filter((name) => !new RegExp(`[\`"]${name}[\`"]`).test(page))).toEqual([])
})

/** What of a page is code, within a line or a block. */
const codeIn = (path: string) => [...read(path).matchAll(/```[\s\S]*?```|`[^`\n]+`/g)].join('\n')
const pages = globSync(['docs/reference/*.md', 'docs/guide/*.md'], { cwd: repository }).map(codeIn)
const isNamed = (name: string) => {
  const word = new RegExp(`(?<![\\w$])${name}(?![\\w$])`)
  return pages.some((code) => word.test(code))
}

test.each(Object.entries(manifest.exports as Record<string, string>).filter(([, file]) => file.endsWith('.ts')))(
  'everything that %s exports is named by the reference or the guide',
  async (_, file) => {
    const names = Object.keys(await import(join(repository, 'packages/tributary', file)))
    expect(names.filter((name) => name !== 'default' && !isNamed(name))).toEqual([])
  },
)

test.each([
  ['dsl', Object.getOwnPropertyNames(Table.prototype)],
  ['dsl', Object.getOwnPropertyNames(Aggregates.prototype)],
  ['dsl', ['only', 'evolve', 'events', 'table', 'combine', 'summarise', 'name', 'on', 'select', 'by', 'key', 'limit']],
  ['service', fieldsIn('service/definition.ts', 'ServiceDefinition')],
  ['service', fieldsIn('service/api.ts', 'CommandRoute')],
  ['service', fieldsIn('service/api.ts', 'Api')],
  ['service', fieldsIn('outbox/outbox.ts', 'Published')],
  ['read-models', [...fieldsIn('read-models/read-model.ts', 'Pace'), 'hints', 'pace', ...Object.keys(paces)]],
] as const)('the page %s has all the words of its subject', (page, words) => {
  expect(words.length).toBeGreaterThan(1)
  const code = codeIn(`docs/reference/${page}.md`)
  const missing = words.filter((word) => word !== 'constructor' && !new RegExp(`\\b${word}\\b`).test(code))
  expect(missing).toEqual([])
})

test('a field without a docstring is an error, and one of several lines is told by its names', () => {
  const source = `/** A boat. */
export interface Boat {
  /**
   * Where it lies,
   * if anywhere.
   */
  readonly berth?: string | null
  /** Who sails it. */
  crew: {
    readonly name: string
    age: number
  }
  /** Goes. */
  sail(to: string): Promise<void>
}
`
  expect(fieldsOf(source, 'Boat')).toEqual({
    doc: 'A boat.',
    fields: [
      { name: 'berth', optional: true, type: 'string | null', doc: 'Where it lies, if anywhere.' },
      { name: 'crew', optional: false, type: '{ name, age }', doc: 'Who sails it.' },
      { name: 'sail', optional: false, type: '(to: string) => Promise<void>', doc: 'Goes.' },
    ],
  })
  expect(() => fieldsOf(source.replace('  /** Goes. */\n', ''), 'Boat')).toThrow('Boat.sail has no docstring')
  expect(() => fieldsOf(source, 'Ship')).toThrow('no interface Ship')
})

test('commands are named by all of their words, with arguments, options and defaults', () => {
  const program = new Command('boat')
  const sails = program.command('sails').description('what drives it')
  sails
    .command('set')
    .description('set some of them')
    .argument('<names...>', 'which')
    .option('--reef <n>', 'how far|near', '1')
  expect(commandsText(program)).toBe(
    [
      '## boat sails set',
      '',
      'Set some of them.',
      '',
      '`boat sails set <names...> [--reef <n>]`',
      '',
      '| | |',
      '| --- | --- |',
      '| `<names...>` | which |',
      '| `--reef <n>` | how far\\|near (default: 1) |',
      '',
    ].join('\n'),
  )
})
