import { AssertionError } from 'node:assert'
import fc from 'fast-check'
import type pg from 'pg'
import type { EventsTopic, RowsTopic } from '#contracts/topic'
import type { Topology } from '#engine'
import { type Plan, plan } from '#engine/plan/plan'
import { type Driver, drive } from '#engine/testing/drive'
import type { PublishedEvents } from '#outbox/outbox'
import { compileDocument, type Document } from '#read-models/document'
import { printable } from '#runtime/printable'
import { type Difference, difference, differingFields } from '#verify/compare'
import type { Verification } from '#verify/definition'
import { recompute, sourcesOn } from '#verify/load'
import { RECORD_KEY_SQL } from '#verify/record-key'
import { eventViewsOn } from './event-views.ts'
import { type History, historiesOf, isEvent, isRecord, lasting, type Possible } from './histories.ts'
import { inWords } from './records.ts'
import { inScratchSession } from './scratch-session.ts'

interface Common {
  /** The services whose events happen. They say what each event's key is; schemas and schemas/rules.json say what is in it. */
  readonly services: readonly { readonly publishes: PublishedEvents }[]
  /** Keeps to what services do; where it isn't given, any event may follow any other. */
  readonly possible?: Possible
  /** The values of fields, by name, where schema and rules allow more than a topology is made for. */
  readonly values?: Readonly<Record<string, readonly unknown[]>>
  /** How many histories; 100 by default. */
  readonly runs?: number
  /** What a failure names, to see it again. */
  readonly seed?: number
  readonly path?: string
}

/** How long a shorter history that differs is looked for, in ms. */
const SHRINK_MS = 10_000

/** SQL over a view of each event (see `EventViews`). */
interface OverEvents extends Common {
  /**
   * A query that gives a `key` and a column for each field of the rows, named as it is; or, as in `verify`, a `key` and a
   * `document`. For the rows that the last topology writes.
   */
  readonly sql: string
}

/** The SQL of `tributary verify`, over the services' tables. */
interface OverTables extends Common {
  readonly verification: Verification
  /** For each table that is copied, a query over the views of events that gives what its service holds, in `columns`' order. */
  readonly tables: Readonly<Record<string, string>>
}

export type EqualsSqlOptions = OverEvents | OverTables

/** What SQL says of each rows topic that is compared. */
type Recompute = (topic: RowsTopic) => Promise<readonly { readonly key: string; readonly document: Document }[]>

/**
 * Holds topologies against SQL: whatever events happen and whatever is erased, in whatever order, worked off by however many
 * workers in whatever portions, and after whatever crashes, their rows are what the SQL gives in a scratch Postgres. Several topologies, when
 * one reads the rows of those before it.
 * @throws AssertionError with the shortest history found on which they differ, all that differs, and how to see it again
 */
export async function equalsSql(topologies: Topology | readonly Topology[], options: EqualsSqlOptions): Promise<void> {
  const chain = [topologies].flat() as readonly Topology[]
  const plans = chain.map(plan)
  const topics = options.services.map(({ publishes }) => publishes.topic)
  refuseUnfed(plans, topics)
  const compared = comparedIn(plans, options)
  await inScratchSession(async (client) => {
    const views = await eventViewsOn(client, topics)
    const recomputed =
      'sql' in options ? await overEvents(client, options) : await overTables(client, options, compared)
    const differs = async (history: History): Promise<readonly Difference[]> => {
      await views.fill(lasting(history))
      const drivers = play(chain, plans, history)
      await recomputed.begin()
      const each: Difference[] = []
      for (const [at, topic] of compared) each.push(...(await differences(topic, drivers[at]!, recomputed.of)))
      return each
    }
    // SQL with a fault says so, and not that a history fails.
    await differs({ steps: [], workers: 1 })
    let giveUp = Number.POSITIVE_INFINITY
    const property = fc.asyncProperty(historiesOf(options), async (history) => {
      if (performance.now() > giveUp) return true
      const equal = await differs(history).then(
        (found) => found.length === 0,
        () => false,
      )
      if (!equal) giveUp = Math.min(giveUp, performance.now() + SHRINK_MS)
      return equal
    })
    const { runs = 100, seed, path } = options
    const found = await fc.check(property, {
      numRuns: runs,
      ...(seed !== undefined && { seed }),
      ...(path !== undefined && { path }),
    })
    if (found.counterexample === null) return
    const [history] = found.counterexample
    const again = await differs(history).catch((error: Error) => error)
    throw failure(history, again, found.seed, found.counterexamplePath!)
  })
}

/** Every topic that is read has to come from somewhere. */
function refuseUnfed(plans: readonly Plan[], topics: readonly EventsTopic[]): void {
  const fed = new Set(topics.map(({ name }) => name))
  for (const { name, sources, sinks } of plans) {
    for (const { topic, kind } of sources) {
      if (fed.has(topic.name)) continue
      const remedy = kind === 'events' ? 'none of `services` publishes' : 'no topology before it writes'
      throw new Error(`topology "${name}" reads "${topic.name}", which ${remedy}`)
    }
    for (const { topic } of sinks) fed.add(topic.name)
  }
}

/** Which rows topics are compared, each with the place of the topology that writes it. */
function comparedIn(plans: readonly Plan[], options: EqualsSqlOptions): (readonly [number, RowsTopic])[] {
  const all = plans.flatMap(({ sinks }, at) => sinks.map(({ topic }) => [at, topic] as const))
  if ('verification' in options) {
    for (const [, { readModel }] of all) {
      if (!options.verification.readModels[readModel])
        throw new Error(`the verification says nothing of the read model "${readModel}"`)
    }
    return all
  }
  const last = all.filter(([at]) => at === plans.length - 1)
  if (last.length > 1) throw new Error('the last topology writes several topics: `sql` says what is in one of one')
  return last
}

async function overEvents(client: pg.Client, { sql }: OverEvents): Promise<{ begin(): Promise<void>; of: Recompute }> {
  await client.query(RECORD_KEY_SQL)
  return {
    begin: async () => {},
    of: async () => {
      const { rows } = await client.query(`select * from (${sql}) recomputed`)
      return rows.map(({ key, ...columns }: Record<string, unknown>) => {
        const names = Object.keys(columns)
        const document = names.length === 1 && names[0] === 'document' ? columns.document : withoutNulls(columns)
        return { key: String(key), document: document as Document }
      })
    },
  }
}

async function overTables(
  client: pg.Client,
  { verification, tables }: OverTables,
  compared: readonly (readonly [number, RowsTopic])[],
): Promise<{ begin(): Promise<void>; of: Recompute }> {
  const sources = await sourcesOn(verification, client)
  const services = new Set(compared.flatMap(([, { readModel }]) => verification.readModels[readModel]!.of))
  const copied = verification.copied.filter(({ service }) => services.has(service))
  const unknown = copied.filter(({ table }) => !Object.hasOwn(tables, table)).map(({ table }) => `"${table}"`)
  if (unknown.length > 0) throw new Error(`\`tables\` doesn't say what is in ${unknown.join(', ')}`)
  const fill = copied.map(
    ({ table, columns }) => `truncate pg_temp.${table}; insert into pg_temp.${table} (${columns}) ${tables[table]}`,
  )
  return {
    begin: async () => void (await client.query(fill.join(';\n'))),
    of: ({ readModel }) => recompute(verification, sources, readModel),
  }
}

/** As documents are: what is null is left out, times are texts. */
function withoutNulls(columns: object): Document {
  return JSON.parse(JSON.stringify(columns, (_, value) => (value === null ? undefined : value)))
}

/** Plays a history to all topologies at once; what one writes is read by the next as it is written. */
function play(chain: readonly Topology[], plans: readonly Plan[], { steps, workers }: History): readonly Driver[] {
  const drivers = chain.map((topology) => drive(topology, { workers, eager: false }))
  const reads = plans.map(({ sources }) => new Set(sources.map(({ topic }) => topic.name)))
  const passOn = (from: number) => {
    for (const { topic } of plans[from]!.sinks) {
      for (const { key, row } of drivers[from]!.read(topic)) {
        for (const [to, driver] of drivers.entries()) {
          if (!reads[to]!.has(topic.name)) continue
          if (row === null) driver.erase(topic, key)
          else driver.pipe(topic, row)
        }
      }
    }
  }
  for (const step of steps) {
    for (const [at, driver] of drivers.entries()) {
      if (isRecord(step)) {
        if (!reads[at]!.has(step.topic.name)) continue
        if (isEvent(step)) driver.pipe(step.topic, step as never)
        else driver.erase(step.topic, step.key)
        continue
      }
      if (step.do === 'epoch') driver.epoch(step.worker % workers, step.most, step.outcome)
      else driver.restart(step.worker % workers)
      passOn(at)
    }
  }
  for (const [at, driver] of drivers.entries()) {
    driver.drain()
    passOn(at)
    const [letter] = driver.deadLetters
    if (letter) throw new SetAsideByTopology(`"${letter.key}" was set aside by ${letter.place}: ${letter.message}`)
  }
  return drivers
}

class SetAsideByTopology extends Error {
  override readonly name = 'SetAsideByTopology'
}

async function differences(topic: RowsTopic, driver: Driver, recomputed: Recompute): Promise<Difference[]> {
  const toDocument = compileDocument(topic.row.schema)
  // As the index gives it back.
  const found = new Map(
    Array.from(driver.table(topic), ([key, row]): [string, Document] => [
      key,
      JSON.parse(JSON.stringify(toDocument(row))),
    ]),
  )
  const expected = new Map<string, Document>()
  for (const { key, document } of await recomputed(topic)) {
    if (expected.has(key)) throw new Error(`the SQL for "${topic.readModel}" gives the key "${key}" twice`)
    expected.set(key, document)
  }
  const keys = [...new Set([...expected.keys(), ...found.keys()])]
  return keys.flatMap((key) => difference(key, expected.get(key), found.get(key)) ?? [])
}

function failure(
  { steps, workers }: History,
  found: readonly Difference[] | Error,
  seed: number,
  path: string,
): AssertionError {
  const events = steps.filter(isEvent)
  const lines = [
    `SQL and topology differ after ${count(events.length, 'event')}, worked off by ${count(workers, 'worker')}:`,
  ]
  for (const step of steps) lines.push(`  ${isRecord(step) ? inWords(step) : `(${Object.values(step).join(' ')})`}`)
  if (found instanceof Error) lines.push(found.message)
  else {
    for (const { key, kind, expected, found: got } of found) {
      const fields = kind === 'changed' ? `: ${differingFields(expected, got).join(', ')}` : ''
      lines.push(`"${key}" is ${kind}${fields}`)
      lines.push(`  SQL:      ${expected ? JSON.stringify(expected) : '(nothing)'}`)
      lines.push(`  topology: ${got ? JSON.stringify(got) : '(nothing)'}`)
    }
  }
  lines.push(`to see it again: { seed: ${seed}, path: '${path}' }`)
  const sides = (side: 'expected' | 'found') =>
    found instanceof Error ? found.message : Object.fromEntries(found.map((one) => [one.key, one[side]]))
  return new AssertionError({
    message: lines.map(printable).join('\n'),
    actual: sides('found'),
    expected: sides('expected'),
    operator: 'equalsSql',
  })
}

const count = (number: number, of: string) => `${number} ${of}${number === 1 ? '' : 's'}`
