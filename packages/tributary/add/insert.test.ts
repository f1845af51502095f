import { expect, test } from 'vitest'
import { importing } from './imports.ts'
import { type Entry, insert, listOf } from './insert.ts'
import { type Placed, plain, statementsOf } from './syntax.ts'

/** The text with an entry in the list that `const it` is. */
function inserted(text: string, entry: Entry): string {
  const [statement] = statementsOf('it.ts', text)
  if (statement?.type !== 'VariableDeclaration') throw new Error('no constant')
  return insert(text, listOf(plain(statement.declarations[0]!.init) as Placed<never>), entry)
}

test.each([
  ['an empty list', 'const it = []', 'const it = [c]'],
  ['a list on a line', 'const it = [a, b] as const', 'const it = [a, b, c] as const'],
  ['an object on a line', 'const it = { a, b: 1 }', 'const it = { a, b: 1, c }'],
  ['a list of lines', 'const it = [\n  a,\n  b,\n]', 'const it = [\n  a,\n  b,\n  c,\n]'],
  ['no comma at the end', 'const it = {\n\ta: 1\n}', 'const it = {\n\ta: 1,\n\tc\n}'],
  ['a remark behind the last', 'const it = [\n  a, // the first\n]', 'const it = [\n  a, // the first\n  c,\n]'],
  ['a remark with a comma', 'const it = [\n  a // one, two\n]', 'const it = [\n  a, // one, two\n  c\n]'],
  ['remarks on the line', 'const it = [a /* the first */, b]', 'const it = [a /* the first */, b, c]'],
  ['an empty list of lines', 'const it = {\n}', 'const it = {\n  c,\n}'],
])('an entry joins %s as that is written', (_, before, after) => {
  expect(inserted(before, 'c')).toBe(after)
})

test('a list that gets too long for its line is written over several', () => {
  const long = 'a'.repeat(104)
  expect(inserted(`const it = [${long}]`, 'c')).toBe(`const it = [${long}, c]`)
  expect(inserted(`const it = [${long}, b]`, 'c')).toBe(`const it = [\n  ${long},\n  b,\n  c,\n]`)
})

test('an object that is too long for its line is written over several', () => {
  const parts = ['a', 'b'].map((name) => `${name}: '${'x'.repeat(60)}'`)
  const entry = { before: 'c: ', parts }
  expect(inserted('const it = {\n  a,\n}', entry)).toBe(
    `const it = {\n  a,\n  c: {\n    ${parts[0]},\n    ${parts[1]},\n  },\n}`,
  )
})

const text = `import { b, type D } from 'b'\nimport { x } from '#b/x.ts'\nimport { y } from './y.ts'\n\ngo()\n`

test.each([
  ['among the names that come from there', 'C', 'b', "import { b, C, type D } from 'b'\n"],
  ['before the next one', 'a', '#a/a.ts', "import { a } from '#a/a.ts'\nimport { x }"],
  ['a package before the project’s own', 'c', 'c', "from 'b'\nimport { c } from 'c'\nimport { x }"],
  ['behind the last', 'z', './z.ts', "from './y.ts'\nimport { z } from './z.ts'\n\ngo()"],
])('an import gets its place: %s', (_, name, from, expected) => {
  expect(importing('it.ts', text, name, from)).toContain(expected)
})

test('what is imported already isn’t imported twice', () => {
  expect(importing('it.ts', text, 'x', '#b/x.ts')).toBe(text)
})

test('an import is written as the others are', () => {
  expect(importing('it.ts', 'import { b } from "b";\n', 'c', 'c')).toBe(
    'import { b } from "b";\nimport { c } from "c";\n',
  )
})
