import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import system from '#config'

const root = join(import.meta.dirname, '..')

type Schema =
  | string
  | readonly Schema[]
  | { name?: string; fields?: readonly { name: string; type: Schema }[]; items?: Schema }

/** Names of records, and names of fields that are of several words: single words are everybody's. */
function* namesIn(schema: Schema): Generator<string> {
  if (typeof schema === 'string') return
  if (Array.isArray(schema)) {
    for (const one of schema) yield* namesIn(one)
    return
  }
  const { name, fields = [], items } = schema as Exclude<Schema, string | readonly Schema[]>
  if (name) yield name
  for (const field of fields) {
    if (/[a-z][A-Z]/.test(field.name)) yield field.name
    yield* namesIn(field.type)
  }
  if (items) yield* namesIn(items)
}

test('no file of the packages names a service, an event or a field of the marketplace', () => {
  const schemas = globSync('schemas/{events,rows}/**/*.avsc', { cwd: root })
  const names = new Set([
    ...system.services,
    ...schemas.flatMap((file) => [...namesIn(JSON.parse(readFileSync(join(root, file), 'utf8')))]),
  ])
  expect(names.size).toBeGreaterThan(50)
  const named = new RegExp(`\\b(${[...names].join('|')})\\b`)
  const files = globSync('packages/**/*.*', { cwd: root, exclude: (path) => /node_modules/.test(path) })
  const found = files
    .filter((file) => !/\.test(-d)?\.ts$|\/testing\/|\.(tgz|png)$/.test(file))
    .flatMap((file) => {
      const lines = readFileSync(join(root, file), 'utf8').split('\n')
      return lines.flatMap((line, i) => (named.test(line) ? [`${file}:${i + 1}: ${line.trim().slice(0, 120)}`] : []))
    })
  expect(found).toEqual([])
})
