import { dirname, join, normalize } from 'node:path'
import type { ArrayExpression, ObjectExpression } from '@babel/types'
import { CONFIG } from '#runtime/find-project'
import type { Changes } from './changes.ts'
import { importing, importOf } from './imports.ts'
import { type Entry, insert, listOf } from './insert.ts'
import { Refused } from './refused.ts'
import { boundNames, callsOf, initialOf, type Placed, plain, property, statementsOf } from './syntax.ts'

/** An array or an object, and the file that it stands in. */
export interface Place {
  readonly path: string
  readonly node: Placed<ArrayExpression> | Placed<ObjectExpression>
}

/** The list of a definition, wherever it is written: in the config itself, or in what the config has from elsewhere. */
export function findPlace(changes: Changes, ...names: readonly string[]): Place | undefined {
  const [call] = callsOf(statementsOf(CONFIG, changes.read(CONFIG)), 'defineSystem')
  let at = resolved(changes, CONFIG, plain(call?.arguments[0]))
  for (const name of names) {
    if (at?.node.type !== 'ObjectExpression') return undefined
    at = resolved(changes, at.path, property(at.node, name))
  }
  return at
}

/** The objects of a list, also those that stand elsewhere and are named in it. */
export function objectsIn(changes: Changes, { path, node }: Place): Placed<ObjectExpression>[] {
  if (node.type !== 'ArrayExpression') return []
  return node.elements.flatMap((element) => {
    const found = resolved(changes, path, plain(element))?.node
    return found?.type === 'ObjectExpression' ? [found] : []
  })
}

/**
 * Adds an entry to a list of the definition, with what it has to import there: `[name, from]`. Throws `Refused`, saying
 * what to write by hand, where the list is written in a way that isn't known here.
 */
export function addTo(
  changes: Changes,
  names: readonly string[],
  entry: Entry,
  imports: readonly (readonly [name: string, from: string])[],
): void {
  const place = findPlace(changes, ...names)
  if (!place) throw new Refused(unplaceable(names, entry, imports))
  const { path } = place
  for (const [name, from] of imports) {
    const bound = importOf(path, changes.read(path), name)
    if (bound === undefined && boundNames(statementsOf(path, changes.read(path))).has(name)) {
      throw new Refused(`${path} has something called "${name}" already: choose another name`)
    }
    if (bound !== undefined && (bound.from !== from || bound.imported !== name)) {
      throw new Refused(`${path} imports something called "${name}" already: choose another name`)
    }
  }
  changes.change(path, (text) => insert(text, listOf(place.node), entry))
  for (const [name, from] of imports) changes.change(path, (text) => importing(path, text, name, from))
}

function unplaceable(names: readonly string[], entry: Entry, imports: readonly (readonly [string, string])[]): string {
  const written = typeof entry === 'string' ? entry : `${entry.before}{ ${entry.parts.join(', ')} }`
  const lines = imports.map(([name, from]) => `  import { ${name} } from '${from}'`)
  return [
    `${CONFIG}: \`${names.join('.')}\` isn't written as a list where an entry could be put. Write it so, or by hand:`,
    ...lines,
    `  ${written}`,
  ].join('\n')
}

function resolved(changes: Changes, path: string, node: ReturnType<typeof plain>): Place | undefined {
  if (node?.type === 'ArrayExpression' || node?.type === 'ObjectExpression') return { path, node }
  if (node?.type !== 'Identifier') return undefined
  const own = initialOf(statementsOf(path, changes.read(path)), node.name)
  if (own) return resolved(changes, path, own)
  const origin = importOf(path, changes.read(path), node.name)
  const file = origin && fileOf(changes, path, origin.from)
  if (!file) return undefined
  return resolved(changes, file, initialOf(statementsOf(file, changes.read(file)), origin.imported))
}

/** The project's file that an import means; undefined for packages. */
export function fileOf(changes: Changes, path: string, from: string): string | undefined {
  if (from.startsWith('.')) return existing(changes, normalize(join(dirname(path), from)))
  const { imports = {} } = JSON.parse(changes.find('package.json') ?? '{}') as { imports?: Record<string, unknown> }
  for (const [pattern, target] of Object.entries(imports)) {
    if (typeof target !== 'string') continue
    const [head, tail] = pattern.split('*') as [string, string?]
    if (tail === undefined ? from !== pattern : !from.startsWith(head)) continue
    return existing(changes, normalize(target.replace('*', from.slice(head.length))))
  }
  return undefined
}

const existing = (changes: Changes, path: string) => (changes.find(path) === undefined ? undefined : path)
