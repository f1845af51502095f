import type { Expression, ObjectExpression, Statement } from '@babel/types'
import type { Changes } from './changes.ts'
import { importing, namespaceOf } from './imports.ts'
import { insert, listOf } from './insert.ts'
import { Refused } from './refused.ts'
import { boundNames, constantsOf, type Placed, plain, property, propertyNames, statementsOf, textOf } from './syntax.ts'

export const TOPICS = 'schemas/topics.ts'
const GENERATED = './contracts.generated.ts'

/** `export const Loans = eventsTopic('loans', { BookLent })` */
export interface DeclaredEvents {
  readonly constant: string
  readonly service: string
  /** The short names of its events, in their order. */
  readonly events: readonly string[]
  readonly object: Placed<ObjectExpression>
  /** What it says of keys: one function for all events, or an object with one for each. */
  readonly key: Placed<Expression> | undefined
  readonly statement: Placed<Statement>
}

/** `export const LoanRows = rowsTopic('loans', LoanRow, { key: (row) => row.loanId })` */
export interface DeclaredRows {
  readonly constant: string
  readonly readModel: string
  /** The short name of its record. */
  readonly row: string
  readonly statement: Placed<Statement>
}

/** The topics that schemas/topics.ts declares. */
export function declaredTopics(changes: Changes): { events: DeclaredEvents[]; rows: DeclaredRows[] } {
  const events: DeclaredEvents[] = []
  const rows: DeclaredRows[] = []
  for (const { declarator, statement } of constantsOf(statementsOf(TOPICS, changes.read(TOPICS)))) {
    const call = plain(declarator.init)
    if (call?.type !== 'CallExpression' || call.callee.type !== 'Identifier' || declarator.id.type !== 'Identifier')
      continue
    const [of, second, options] = call.arguments.map(plain)
    const name = textOf(of)
    if (name === undefined) continue
    const constant = declarator.id.name
    if (call.callee.name === 'eventsTopic' && second?.type === 'ObjectExpression') {
      const key = options?.type === 'ObjectExpression' ? property(options, 'key') : undefined
      const object = second as Placed<ObjectExpression>
      events.push({ constant, service: name, events: propertyNames(second), object, key, statement })
    }
    if (call.callee.name === 'rowsTopic') {
      const row = second?.type === 'MemberExpression' ? second.property : second
      rows.push({ constant, readModel: name, row: row?.type === 'Identifier' ? row.name : '', statement })
    }
  }
  return { events, rows }
}

/** The topic of a service. Throws `Refused` where schemas/topics.ts declares none. */
export function topicOf(changes: Changes, service: string): DeclaredEvents {
  const { events } = declaredTopics(changes)
  const found = events.find((one) => one.service === service)
  if (found) return found
  const services = events.map((one) => one.service).join(', ') || 'none'
  throw new Refused(`there is no service "${service}" with a topic in ${TOPICS}; there are: ${services}`)
}

/** A domain topic of one event, keyed by a field of it. Throws `Refused` where its constant is something else already. */
export function addEventsTopic(changes: Changes, constant: string, service: string, event: string, id: string): void {
  checkFree(changes, constant)
  const reference = importContract(changes, event)
  const entry = reference === event ? event : `${event}: ${reference}`
  const parts = [`'${service}'`, `{ ${entry} }`, `{ key: (event) => event.${id} }`]
  const line = `export const ${constant} = eventsTopic(${parts.join(', ')})`
  const text = line.length <= 120 ? line : line.replace(parts.join(', '), `\n  ${parts.join(',\n  ')},\n`)
  declare(changes, 'eventsTopic', text, ({ events }) => events)
}

/** A rows topic. Throws `Refused` where its constant is something else already. */
export function addRowsTopic(changes: Changes, constant: string, readModel: string, row: string, key: string): void {
  checkFree(changes, constant)
  const parts = [`'${readModel}'`, importContract(changes, row), `{ key: ${key} }`]
  const line = `export const ${constant} = rowsTopic(${parts.join(', ')})`
  const text = line.length <= 120 ? line : line.replace(parts.join(', '), `\n  ${parts.join(',\n  ')},\n`)
  declare(changes, 'rowsTopic', text, ({ rows }) => rows)
}

/** One more event of a service's topic. Where each event says its key, it has that of the one it is like. */
export function addEventTo(changes: Changes, service: string, event: string, like: string): void {
  const reference = importContract(changes, event)
  const entry = reference === event ? event : `${event}: ${reference}`
  changes.change(TOPICS, (text) => insert(text, listOf(topicOf(changes, service).object), entry))
  const { key } = topicOf(changes, service)
  if (key?.type !== 'ObjectExpression') return
  const model = property(key, like)
  if (!model) return
  changes.change(TOPICS, (text) =>
    insert(text, listOf(key as Placed<typeof key>), `${event}: ${text.slice(model.start, model.end)}`),
  )
}

function checkFree(changes: Changes, constant: string): void {
  if (!boundNames(statementsOf(TOPICS, changes.read(TOPICS))).has(constant)) return
  throw new Refused(`${TOPICS} has something called "${constant}" already: choose another name`)
}

/** How schemas/topics.ts calls a generated contract from now on. */
function importContract(changes: Changes, name: string): string {
  const namespace = namespaceOf(TOPICS, changes.read(TOPICS), GENERATED)
  if (namespace) return `${namespace}.${name}`
  changes.change(TOPICS, (text) => importing(TOPICS, text, name, GENERATED))
  return name
}

/** Behind the last of its kind, else at the end of the file. */
function declare(
  changes: Changes,
  maker: string,
  text: string,
  kind: (declared: ReturnType<typeof declaredTopics>) => readonly { readonly statement: Placed<Statement> }[],
): void {
  changes.change(TOPICS, (before) => importing(TOPICS, before, maker, 'tributary/contracts'))
  const declared = declaredTopics(changes)
  const last = kind(declared).at(-1)
  const behind = last ?? [...declared.events, ...declared.rows].at(-1)
  changes.change(TOPICS, (before) => {
    const end = behind?.statement.end ?? before.trimEnd().length
    return `${before.slice(0, end)}\n${last ? '' : '\n'}${text}${before.slice(end)}`
  })
}
