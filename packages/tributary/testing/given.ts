import { AssertionError } from 'node:assert'
import type { Plain } from '#contracts/key'
import type { RowsTopic } from '#contracts/topic'
import type { Topology } from '#engine'
import { plan } from '#engine/plan/plan'
import { type DrivenFailure, type Driver, drive } from '#engine/testing/drive'
import { differingFields } from '#verify/compare'
import { randomFrom, reordered } from './orders.ts'
import { inWords, type TopicRecord } from './records.ts'

export interface GivenOptions {
  /**
   * In how many orders the given records are played: as they stand, and in others that the topics allow (each key of a
   * topic keeps its own), over one to three workers. All of them must come to the same. 20 by default; 1: only as they stand.
   */
  readonly orders?: number
}

/** A dead letter as a test expects it. */
export interface ExpectedLetter {
  readonly key: string
  /** A part of its message, or what it must match. */
  readonly message: string | RegExp
}

/** What of a row a test expects; null: that there is no such row. */
export type ExpectedPart<Row> = { readonly [Field in keyof Row]?: Row[Field] } | null

/**
 * A topology that has worked off some records: `given(topology, [event(…)]).when(event(…)).then(Rows, { key: row })`.
 * It runs in memory, see `drive`. Every expectation throws an `AssertionError` that names each key and field that differs.
 */
export function given(topology: Topology, records: readonly TopicRecord[] = [], options: GivenOptions = {}): Scenario {
  return new Scenario(topology, records, [], options.orders ?? 20, [])
}

/** See `given`. Each step gives a new one and leaves the old as it is. */
export class Scenario {
  readonly #topology: Topology
  readonly #given: readonly TopicRecord[]
  readonly #when: readonly TopicRecord[]
  readonly #orders: number
  readonly #letters: readonly ExpectedLetter[]
  #played: readonly Played[] | undefined

  constructor(
    topology: Topology,
    given: readonly TopicRecord[],
    when: readonly TopicRecord[],
    orders: number,
    letters: readonly ExpectedLetter[],
  ) {
    const read = plan(topology).sources.map(({ topic }) => topic.name)
    for (const { topic } of [...given, ...when]) {
      if (!read.includes(topic.name)) {
        throw new Error(`topology "${topology.name}" doesn't read "${topic.name}", but ${read.join(', ')}`)
      }
    }
    this.#topology = topology
    this.#given = given
    this.#when = when
    this.#orders = orders
    this.#letters = letters
  }

  /** What comes once the given records are worked off, in this order. */
  when(...records: readonly TopicRecord[]): Scenario {
    return new Scenario(this.#topology, this.#given, [...this.#when, ...records], this.#orders, this.#letters)
  }

  /** The rows topic holds these rows by record key, and no others. */
  // biome-ignore lint/suspicious/noThenProperty: given, when, then is what everybody calls it; awaiting one is refused
  then<Row>(topic: RowsTopic<Row>, rows: Readonly<Record<string, Plain<NoInfer<Row>>>>): this {
    return this.#expect(topic as RowsTopic, rows, (row, expected) => differingFields(expected, row))
  }

  /** The rows topic holds these rows, with these fields among others; null: it holds no such row. */
  thenIncludes<Row>(topic: RowsTopic<Row>, rows: Readonly<Record<string, ExpectedPart<Plain<NoInfer<Row>>>>>): this {
    const parts = (row: unknown, expected: object) =>
      Object.entries(expected).flatMap(([field, value]) => differingFields(value, (row as never)[field], field))
    return this.#expect(topic as RowsTopic, rows, parts, Object.keys(rows))
  }

  /** These and no other keys stand set aside as dead letters. Where nothing is said of them, there must be none. */
  thenDeadLetters(...letters: readonly ExpectedLetter[]): Scenario {
    const next = new Scenario(this.#topology, this.#given, this.#when, this.#orders, letters)
    for (const played of next.#play()) next.#checkLetters(played)
    return next
  }

  #expect(
    topic: RowsTopic,
    rows: Readonly<Record<string, unknown>>,
    differing: (row: unknown, expected: object) => readonly string[],
    only?: readonly string[],
  ): this {
    // Who awaits this calls it with two functions.
    if (typeof topic !== 'object') throw new TypeError('a scenario is not a promise: leave out the await')
    const written = plan(this.#topology).sinks.map((sink) => sink.topic.name)
    if (!written.includes(topic.name)) {
      throw new Error(`topology "${this.#topology.name}" doesn't write "${topic.name}", but ${written.join(', ')}`)
    }
    for (const played of this.#play()) {
      this.#checkLetters(played)
      const table = played.driver.table(topic)
      const keys = only ?? [...new Set([...Object.keys(rows), ...table.keys()])]
      const faults = keys.flatMap((key) => {
        const [expected, row] = [Object.hasOwn(rows, key) ? rows[key] : null, table.get(key)]
        if (expected === null) return row === undefined ? [] : [`"${key}" is there: ${JSON.stringify(row)}`]
        if (row === undefined) return [`"${key}" is missing`]
        return differing(row, expected as object).map(
          (path) => `"${key}": ${path} is ${shown(at(row, path))}, not ${shown(at(expected, path))}`,
        )
      })
      if (faults.length === 0) continue
      const actual = only ? picked(table, rows) : Object.fromEntries(table)
      throw failure(`${topic.name} isn't what was expected`, faults, played, actual, rows)
    }
    return this
  }

  #checkLetters(played: Played): void {
    const left = [...this.#letters]
    const faults = played.driver.deadLetters.flatMap((letter) => {
      const place = left.findIndex(({ key, message }) => key === letter.key && fits(message, letter.message))
      if (place >= 0) left.splice(place, 1)
      return place >= 0 ? [] : [`"${letter.key}" was set aside by ${letter.place}: ${letter.message}`]
    })
    faults.push(...left.map(({ key, message }) => `"${key}" was not set aside with ${message}`))
    if (faults.length === 0) return
    const actual: readonly DrivenFailure[] = played.driver.deadLetters
    throw failure('the dead letters are others than expected', faults, played, actual, this.#letters)
  }

  #play(): readonly Played[] {
    this.#played ??= Array.from({ length: Math.max(1, this.#orders) }, (_, nth) => this.#playOnce(nth))
    return this.#played
  }

  #playOnce(nth: number): Played {
    const random = randomFrom(nth)
    const workers = (nth % 3) + 1
    const order = nth === 0 ? this.#given : reordered(this.#given, random)
    const driver = drive(this.#topology, { workers, eager: nth === 0 })
    for (const record of order) {
      put(driver, record)
      // Some of what waits is worked off now and then, by some worker: joins meet each half in every state.
      if (nth > 0) driver.epoch(Math.floor(random() * workers), 1 + Math.floor(random() * 3))
    }
    driver.drain()
    for (const record of this.#when) {
      put(driver, record)
      driver.drain()
    }
    return { driver, workers, ...(nth > 0 && { order }) }
  }
}

interface Played {
  readonly driver: Driver
  readonly workers: number
  /** Of what was given, where it wasn't worked off record by record as it stands. */
  readonly order?: readonly TopicRecord[]
}

/** Puts a record on its topic. */
export function put(driver: Driver, record: TopicRecord): void {
  if ('erased' in record) driver.erase(record.topic, record.key)
  else if ('row' in record) driver.pipe(record.topic, record.row)
  else driver.pipe(record.topic, { key: record.key, name: record.name, data: record.data } as never)
}

function failure(
  what: string,
  faults: readonly string[],
  { workers, order }: Played,
  actual: unknown,
  expected: unknown,
): AssertionError {
  const lines = [`${what}:`, ...faults.map((fault) => `  ${fault}`)]
  if (order)
    lines.push(
      `when what was given comes to ${workers} ${workers === 1 ? 'worker' : 'workers'} in this order:`,
      ...order.map((record) => `  ${inWords(record)}`),
    )
  return new AssertionError({ message: lines.join('\n'), actual, expected, operator: 'given' })
}

const fits = (wanted: string | RegExp, message: string) =>
  typeof wanted === 'string' ? message.includes(wanted) : wanted.test(message)

/** The fields of the rows that were asked for. */
function picked(table: ReadonlyMap<string, unknown>, rows: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(
    Object.entries(rows).map(([key, wanted]) => {
      const row = table.get(key) as Readonly<Record<string, unknown>> | undefined
      if (!row || wanted === null) return [key, row ?? null]
      return [key, Object.fromEntries(Object.keys(wanted as object).map((field) => [field, row[field]]))]
    }),
  )
}

/** What stands at a path like `lines[0].amount`. */
function at(value: unknown, path: string): unknown {
  return path
    .split(/[.[\]]+/)
    .filter(Boolean)
    .reduce((part, name) => (part as Readonly<Record<string, unknown>> | null | undefined)?.[name], value)
}

const shown = (value: unknown) => JSON.stringify(value) ?? 'missing'
