import type {
  ArrowFunctionExpression,
  Expression,
  Identifier,
  Node,
  ObjectExpression,
  ObjectProperty,
} from '@babel/types'
import types from '@babel/types'
import type { Changes } from './changes.ts'
import { importOf } from './imports.ts'
import { fileOf } from './places.ts'
import { Refused } from './refused.ts'
import { callsOf, initialOf, type Placed, plain, property, propertyNames, statementsOf, textOf } from './syntax.ts'
import { type DeclaredEvents, TOPICS } from './topics.ts'

/** How a service publishes one of its events. */
export interface Publishing {
  readonly event: string
  /** The value that `publishes` has for it, as it is written, without the event's own `at`. */
  readonly written: string
  readonly aggregate: string
  /** What of the event its key is made of. */
  readonly keyFields: readonly string[]
  /** The function that makes the key, as it is written. */
  readonly key: string
  /** The key's parts in their order: fields, and texts between them. Undefined where it is made in another way. */
  readonly keyParts: readonly KeyPart[] | undefined
}

export type KeyPart = { readonly field: string } | { readonly text: string }

/** The `publishes(Topic, { … })` of a service. */
export interface Published {
  readonly path: string
  readonly object: Placed<ObjectExpression>
  readonly events: readonly Publishing[]
}

/** How a service publishes the events of its topic. Throws `Refused` where that isn't found. */
export function publishedOf(changes: Changes, topic: DeclaredEvents): Published {
  const { service, constant } = topic
  const topics = changes.read(TOPICS)
  for (const path of changes.list(`producers/${service}`, '.ts')) {
    if (path.endsWith('.test.ts')) continue
    const text = changes.read(path)
    const statements = statementsOf(path, text)
    for (const call of callsOf(statements, 'publishes')) {
      const [published, events] = call.arguments.map(plain)
      if (published?.type !== 'Identifier' || published.name !== constant || events?.type !== 'ObjectExpression')
        continue
      const known = propertyNames(events).flatMap(
        (event) => publishing(changes, text, statements, events, event, keyIn(topic, event), topics) ?? [],
      )
      return { path, object: events as Placed<ObjectExpression>, events: known }
    }
  }
  throw new Refused(`producers/${service} has no \`publishes(${constant}, { … })\` where an event could be looked up`)
}

function publishing(
  changes: Changes,
  text: string,
  statements: ReturnType<typeof statementsOf>,
  object: ObjectExpression,
  event: string,
  topicKey: Key | undefined,
  topics: string,
): Publishing | undefined {
  const value = property(object, event)
  const parts = value && partsOf(statements, value)
  if (!value || !parts) return undefined
  const { aggregate } = parts
  const key = topicKey ?? parts.key
  if (aggregate === undefined || key === undefined) return undefined
  const made = topicKey && madeBy(changes, topicKey, topics)
  return {
    event,
    written: withoutAt(text, value),
    aggregate,
    keyFields: made?.fields ?? fieldsOf(key),
    key: (topicKey ? topics : text).slice(key.start, key.end),
    keyParts: made?.parts ?? keyPartsOf(key),
  }
}

type Key = Placed<ArrowFunctionExpression>

/** How the topic itself keys an event; undefined where it leaves that to what publishes. */
function keyIn({ key }: DeclaredEvents, event: string): Key | undefined {
  const own = key?.type === 'ObjectExpression' ? property(key, event) : key
  return own?.type === 'ArrowFunctionExpression' ? (own as Key) : undefined
}

/** The fields that a key's function takes out of its event by name: `({ loanId }) => loanId`. */
function takenOut({ params: [event] }: Key): string[] {
  return event?.type === 'ObjectPattern'
    ? event.properties.flatMap((one) =>
        one.type === 'ObjectProperty' && one.key.type === 'Identifier' ? one.key.name : [],
      )
    : []
}

/** What an event's object says, its own or what it spreads. */
function partsOf(
  statements: ReturnType<typeof statementsOf>,
  value: Expression,
): { aggregate?: string | undefined; key?: Key | undefined } | undefined {
  if (value.type === 'Identifier') {
    const constant = initialOf(statements, value.name)
    return constant && partsOf(statements, constant)
  }
  if (value.type !== 'ObjectExpression') return undefined
  const spread = value.properties.flatMap((one) =>
    one.type === 'SpreadElement' ? (partsOf(statements, one.argument as Expression) ?? []) : [],
  )
  const key = property(value, 'key')
  return {
    aggregate: textOf(property(value, 'aggregate')) ?? spread.find((one) => one.aggregate)?.aggregate,
    key: key?.type === 'ArrowFunctionExpression' ? (key as Key) : spread.find((one) => one.key)?.key,
  }
}

/** `at` reads a field of its own event. */
function withoutAt(text: string, value: Placed<Expression>): string {
  if (value.type !== 'ObjectExpression') return text.slice(value.start, value.end)
  const isAt = (one: ObjectProperty) => one.key.type === 'Identifier' && one.key.name === 'at'
  const kept = value.properties.filter((one) => one.type !== 'ObjectProperty' || !isAt(one)) as Placed[]
  const [only] = kept
  // `{ ...loan }` is `loan`.
  if (kept.length === 1 && only?.type === 'SpreadElement') {
    const { argument } = only as unknown as { argument: Placed }
    return text.slice(argument.start, argument.end)
  }
  return `{ ${kept.map(({ start, end }) => text.slice(start, end)).join(', ')} }`
}

function fieldsOf(key: Key): string[] {
  const fields = new Set<string>(takenOut(key))
  types.traverseFast(key.body, (node) => {
    if (node.type === 'MemberExpression' && node.property.type === 'Identifier') fields.add(node.property.name)
  })
  return [...fields]
}

/**
 * The function that a topic's key is made with, `({ boatNo }) => boatKey(boatNo)`, as a key of the event's fields.
 * Undefined where the key isn't a call, or what it calls isn't a function of its values alone.
 */
function madeBy(changes: Changes, key: Key, topics: string): { fields: string[]; parts: KeyPart[] } | undefined {
  const { body } = key
  if (body.type !== 'CallExpression' || body.callee.type !== 'Identifier') return undefined
  const { name } = body.callee
  const origin = importOf(TOPICS, topics, name)
  const path = origin && fileOf(changes, TOPICS, origin.from)
  if (!path) return undefined
  const made = initialOf(statementsOf(path, changes.read(path)), origin.imported)
  if (made?.type !== 'ArrowFunctionExpression') return undefined
  const given = body.arguments.map((one) => fieldIn(key, one))
  const parameters = made.params.map((one) => (one.type === 'Identifier' ? one.name : undefined))
  const parts = templateParts(plain(made.body), (node) =>
    node.type === 'Identifier' ? given[parameters.indexOf(node.name)] : undefined,
  )
  // Its arguments in their order, which is not that in which they are taken out of the event.
  return parts && !given.includes(undefined) ? { fields: given as string[], parts } : undefined
}

/** The field of the event that a part of its key is. */
function fieldIn(key: Key, node: Node): string | undefined {
  if (node.type === 'Identifier') return takenOut(key).find((name) => name === node.name)
  const isField =
    node.type === 'MemberExpression' && node.object.type === 'Identifier' && node.property.type === 'Identifier'
  return isField ? (node.property as Identifier).name : undefined
}

const keyPartsOf = (key: Key) => templateParts(plain(key.body), (node) => fieldIn(key, node))

/** A field alone, or a template of fields and texts. */
function templateParts(
  body: Expression | undefined,
  fieldOf: (node: Node) => string | undefined,
): KeyPart[] | undefined {
  const only = body && fieldOf(body)
  if (only) return [{ field: only }]
  if (body?.type !== 'TemplateLiteral') return undefined
  const parts = body.quasis.flatMap((quasi, at): (KeyPart | undefined)[] => {
    const next = body.expressions[at]
    const field = next && fieldOf(next)
    return [
      ...(quasi.value.cooked ? [{ text: quasi.value.cooked }] : []),
      ...(next ? [field === undefined ? undefined : { field }] : []),
    ]
  })
  return parts.includes(undefined) ? undefined : (parts as KeyPart[])
}
