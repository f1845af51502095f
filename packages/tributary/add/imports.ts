import type { ImportDeclaration, ImportSpecifier } from '@babel/types'
import { insert } from './insert.ts'
import { type Placed, statementsOf } from './syntax.ts'

const importsOf = (path: string, text: string) =>
  statementsOf(path, text).filter((one) => one.type === 'ImportDeclaration') as Placed<ImportDeclaration>[]

/** Upper case before lower case where nothing else tells two names apart. */
const order = new Intl.Collator('en', { numeric: true, caseFirst: 'upper' })

/** The text with an import of a name, in the place that its order gives it; unchanged where it is imported already. */
export function importing(path: string, text: string, name: string, from: string): string {
  const imports = importsOf(path, text)
  const named = imports.find(
    ({ source, importKind, specifiers }) =>
      source.value === from && importKind !== 'type' && specifiers.some(({ type }) => type === 'ImportSpecifier'),
  )
  if (named) return withSpecifier(text, named, name)
  const [first] = imports
  const quote = first ? text[first.source.start!]! : "'"
  const line = `import { ${name} } from ${quote}${from}${quote}${first && text[first.end - 1] === ';' ? ';' : ''}`
  // Packages, then the project's own folders, then what lies beside the file.
  const rank = (source: string) => (source.startsWith('.') ? '2' : source.startsWith('#') ? '1' : '0') + source
  const next = imports.find(({ source }) => rank(source.value) > rank(from))
  if (next) return `${text.slice(0, next.start)}${line}\n${text.slice(next.start)}`
  const last = imports.at(-1)
  return last ? `${text.slice(0, last.end)}\n${line}${text.slice(last.end)}` : `${line}\n\n${text}`
}

function withSpecifier(text: string, declaration: Placed<ImportDeclaration>, name: string): string {
  const items = declaration.specifiers.filter(({ type }) => type === 'ImportSpecifier') as Placed<ImportSpecifier>[]
  const nameOf = ({ imported }: ImportSpecifier) => ('name' in imported ? imported.name : imported.value)
  if (items.some((item) => nameOf(item) === name)) return text
  const at = items.findIndex((item) => order.compare(nameOf(item), name) > 0)
  const from = text.lastIndexOf('{', items[0]!.start) + 1
  const to = text.indexOf('}', items.at(-1)!.end)
  return insert(text, { from, to, items }, name, at < 0 ? items.length : at)
}

/** By which name a file has all that another one exports (`import * as c from …`); undefined where it doesn't. */
export function namespaceOf(path: string, text: string, from: string): string | undefined {
  const specifiers = importsOf(path, text).flatMap(({ source, specifiers }) =>
    source.value === from ? specifiers : [],
  )
  return specifiers.find(({ type }) => type === 'ImportNamespaceSpecifier')?.local.name
}

/** Where a name of a file was imported from, and what it is called there; undefined where it isn't imported. */
export function importOf(path: string, text: string, name: string): { from: string; imported: string } | undefined {
  for (const { source, specifiers } of importsOf(path, text)) {
    for (const one of specifiers) {
      if (one.local.name !== name || one.type !== 'ImportSpecifier') continue
      return { from: source.value, imported: 'name' in one.imported ? one.imported.name : one.imported.value }
    }
  }
  return undefined
}
