import type { Changes } from './changes.ts'
import { type Field, parseField } from './fields.ts'
import { importOf } from './imports.ts'
import { insert, listOf } from './insert.ts'
import { checkEventName, oneOf } from './names.ts'
import { fileOf } from './places.ts'
import { publishedOf } from './publishing.ts'
import { Refused } from './refused.ts'
import { addRecord, findRecord } from './schemas.ts'
import { callsOf, initialOf, type Placed, plain, statementsOf } from './syntax.ts'
import { addEventTo, TOPICS, topicOf } from './topics.ts'

export interface EventOptions {
  /** As `parseField` takes them. */
  readonly field: readonly string[]
  /** The event of the same service that happens to the same thing; the topic's first unless told. */
  readonly like?: string | undefined
}

/**
 * An event of a service that is there. It has the fields that its key is made of, besides its own. Throws `Refused`.
 * @returns what to do next
 */
export function addEvent(changes: Changes, service: string, name: string, { field, like }: EventOptions): string[] {
  checkEventName(name)
  const topic = topicOf(changes, service)
  if (topic.events.includes(name)) throw new Refused(`"${service}" publishes "${name}" already`)
  const published = publishedOf(changes, topic)
  const wanted = like ?? topic.events[0]
  const model = published.events.find(({ event }) => event === wanted)
  if (!model) {
    const choice = published.events.map(({ event }) => event).join(', ') || 'none'
    throw new Refused(`${published.path} doesn't say how "${wanted}" is keyed; give --like one of: ${choice}`)
  }
  const own = field.map(parseField)
  const twice = own.find(({ name }, at) => own.findIndex((other) => other.name === name) !== at)
  if (twice) throw new Refused(`the field "${twice.name}" is given twice`)
  const modelFields = findRecord(changes, model.event)?.schema.fields ?? []
  const keyFields = model.keyFields.map((key): Field => {
    const found = modelFields.find(({ name }) => name === key) ?? { name: key, type: 'string' }
    return { name: key, type: found.type }
  })
  const clash = own.find(({ name, type }) =>
    keyFields.some((key) => key.name === name && JSON.stringify(key.type) !== JSON.stringify(type)),
  )
  if (clash) throw new Refused(`the field "${clash.name}" is of the key, and of another type there: leave it out`)
  const isKey = ({ name }: Field) => keyFields.some((key) => key.name === name)

  addRecord(changes, `events/${service}`, {
    name,
    doc: `Something happened to ${oneOf(model.aggregate)}.`,
    fields: [...keyFields, ...own.filter((one) => !isKey(one))],
  })
  addEventTo(changes, service, name, model.event)
  changes.change(published.path, (text) => insert(text, listOf(published.object), `${name}: ${model.written}`))
  const folds = changes.list('processors', '.ts').filter((path) => addHandlers(changes, path, topic.constant, name))
  return [
    `schemas/events/${service}/${name}.avsc: say what happened`,
    `producers/${service}: await publish(trx, ${name}, { … }) where it happens, with the change's own transaction`,
    ...folds.map((path) => `${path}: ${name} changes no row yet; say what it does to one`),
  ]
}

/**
 * Every topology that folds all of the topic's events needs a handler for this one; it keeps the row as it is.
 * @returns whether the file has such a topology
 */
function addHandlers(changes: Changes, path: string, constant: string, event: string): boolean {
  if (path.endsWith('.test.ts')) return false
  const folds = () => {
    const statements = statementsOf(path, changes.read(path))
    return callsOf(statements, 'evolve').flatMap((call) => {
      const stream = call.callee.type === 'MemberExpression' ? plain(call.callee.object) : undefined
      const isOurs = stream?.type === 'CallExpression' && meansTopic(changes, path, stream, constant)
      return isOurs ? [{ statements, given: plain(call.arguments[0]) }] : []
    })
  }
  const found = folds().length
  for (let at = 0; at < found; at++) {
    const { statements, given } = folds()[at]!
    const handlers = given?.type === 'Identifier' ? initialOf(statements, given.name) : given
    if (handlers?.type !== 'ObjectExpression') {
      throw new Refused(
        `${path} folds all events of ${constant}, and its handlers aren't written where they are used: write them so, or add ${event} to them and to schemas by hand`,
      )
    }
    changes.change(path, (text) => insert(text, listOf(handlers as Placed<typeof handlers>), `${event}: (row) => row`))
  }
  return found > 0
}

/** Whether a call is `events(Topic)`, of the topic that schemas/topics.ts calls so. */
function meansTopic(
  changes: Changes,
  path: string,
  call: Extract<NonNullable<ReturnType<typeof plain>>, { type: 'CallExpression' }>,
  constant: string,
): boolean {
  const [topic] = call.arguments
  if (call.callee.type !== 'Identifier' || topic?.type !== 'Identifier') return false
  const origin = importOf(path, changes.read(path), topic.name)
  return origin?.imported === constant && fileOf(changes, path, origin.from) === TOPICS
}
