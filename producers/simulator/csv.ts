import { createReadStream, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { Readable } from 'node:stream'
import { CsvError, type Info, parse } from 'csv-parse'
import { faultOf, type Kind } from 'tributary/rules'
import { NotUtf8, onlyUtf8 } from './encoding.ts'

/** A fault in a file: names the file, where there is one the line and the column, and what to do. */
export class DataFault extends Error {
  override readonly name = 'DataFault'
}

/** A row of a file, read by column name. Every reader throws `DataFault` naming file, line and column. */
export interface Row {
  /** Not empty, and by the rules of its kind (schemas/rules.json). */
  text(column: string, kind?: Kind): string
  textOrNull(column: string, kind?: Kind): string | null
  /** A whole number, 0 or more. */
  count(column: string, kind?: Kind): number
  countOrNull(column: string): number | null
  /** A decimal with up to two places, 0 or more, as integer cents; never by way of a float. */
  cents(column: string): number
  /** `YYYY-MM-DD HH:MM:SS` without a zone, read as UTC: ms since the epoch. */
  instant(column: string): number
  instantOrNull(column: string): number | null
  /** A fault of this row, for what only its reader can know. */
  fault(column: string, what: string): DataFault
  /** Where the row stands, for `lineOf`. */
  readonly place: number
  /** The line of a row of the same file. */
  lineOf(place: number): number
}

/**
 * Reads a CSV file row by row: comma separated, quoted with `"`, with or without a byte order mark, CRLF or LF,
 * values over several lines. Memory doesn't grow with the file.
 * @param columns what the header must have, in any order; others are ignored
 * @throws DataFault
 */
export async function* readCsv(path: string, columns: readonly string[]): AsyncGenerator<Row> {
  const file = basename(path)
  const source = createReadStream(path, { highWaterMark: 1 << 18 })
  const parser = parse({
    bom: true,
    record_delimiter: ['\r\n', '\n'],
    skip_empty_lines: true,
    // The reader checks the length of rows: the parser doesn't say where the wrong one begins.
    relax_column_count: true,
    info: true,
  })
  const bytes = Readable.from(onlyUtf8(source), { objectMode: false })
  bytes.on('error', (error) => parser.destroy(error))
  bytes.pipe(parser)
  let reader: RowReader | undefined
  let start = 0
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: Info }>) {
      if (reader === undefined) reader = new RowReader(path, record.length, header(file, record, columns))
      else yield reader.at(record, start)
      start = info.bytes
    }
  } catch (error) {
    throw asFault(path, error)
  } finally {
    bytes.destroy()
    source.destroy()
  }
  if (reader === undefined) throw new DataFault(`${file} is empty: expected a header with ${columns.join(', ')}`)
}

function header(file: string, names: string[], columns: readonly string[]): Map<string, number> {
  const separator = [';', '\t', '|'].find((one) => names.length === 1 && names[0]?.includes(one))
  if (separator !== undefined) {
    const shown = separator === '\t' ? 'a tab' : `"${separator}"`
    throw new DataFault(`${file} line 1: the values are separated by ${shown}: save the file with commas between them`)
  }
  const twice = names.find((name, index) => names.indexOf(name) < index)
  if (twice !== undefined) throw new DataFault(`${file} line 1: there are two columns "${twice}": keep one`)
  const at = new Map(names.map((name, index) => [name, index]))
  const missing = columns.filter((column) => !at.has(column))
  if (missing.length === 0) return at
  throw new DataFault(
    `${file} line 1: column ${missing.map((name) => `"${name}"`).join(', ')} is missing (there are ${names.join(', ')}): ` +
      'is it the file of that name as published, with its header?',
  )
}

function asFault(path: string, error: unknown): unknown {
  if (error instanceof NotUtf8) {
    const remedy = 'save the file as UTF-8 (in spreadsheets: "CSV UTF-8")'
    return new DataFault(`${basename(path)} line ${error.line}: ${error.message}: ${remedy}`, { cause: error })
  }
  if (error instanceof CsvError) {
    // Where the last whole row ended.
    const line = lineAt(path, (error as { bytes?: number }).bytes ?? 0)
    const what = error.message.replace(/ (on|at) line \d+/, '')
    return new DataFault(`${basename(path)} line ${line}: ${what}: mend the line or fetch the file again`, {
      cause: error,
    })
  }
  const code = (error as NodeJS.ErrnoException)?.code
  if (code === 'ENOENT') {
    return new DataFault(`${path} is missing: name the folder that holds all files of the data set`, { cause: error })
  }
  if (code === 'EACCES' || code === 'EISDIR') {
    return new DataFault(`${path} can't be read (${code}): it must be a file this user may read`, { cause: error })
  }
  return error
}

/**
 * The line of a file in which the row begins that starts at a byte. Counted from the file, only when there is
 * something to complain about: the parser's own count takes a CRLF inside of quotes for two lines.
 */
function lineAt(path: string, byte: number): number {
  const bytes = readFileSync(path)
  let line = 1
  for (let at = 0; at < byte; at++) if (bytes[at] === 10) line++
  // Empty lines before the row belong to no row.
  for (let at = byte; bytes[at] === 10 || bytes[at] === 13; at++) if (bytes[at] === 10) line++
  return line
}

/** Gives a function that refuses what stands in a file for the second time, naming both lines. */
export function onlyOnce(): (row: Row, column: string, ...key: readonly (string | number)[]) => void {
  const places = new Map<string, number>()
  return (row, column, ...key) => {
    const together = key.length === 1 ? String(key[0]) : JSON.stringify(key)
    const first = places.get(together)
    if (first === undefined) return void places.set(together, row.place)
    throw row.fault(column, `"${key.join(' / ')}" stands in line ${row.lineOf(first)} already: keep one of the rows`)
  }
}

/** One reader per file, moved from row to row: a row is valid until the next is asked for. */
class RowReader implements Row {
  readonly #path: string
  readonly #width: number
  readonly #columns: Map<string, number>
  #record: string[] = []
  #start = 0

  constructor(path: string, width: number, columns: Map<string, number>) {
    this.#path = path
    this.#width = width
    this.#columns = columns
  }

  /** @param start the byte of the file at which the row begins */
  at(record: string[], start: number): this {
    this.#record = record
    this.#start = start
    if (record.length === this.#width) return this
    throw new DataFault(
      `${this.#where()} has ${record.length} values, the header has ${this.#width}: mend the line or fetch the file again`,
    )
  }

  get place(): number {
    return this.#start
  }

  lineOf(place: number): number {
    return lineAt(this.#path, place)
  }

  text(column: string, kind: Kind = 'name'): string {
    const value = this.#value(column)
    if (value === '') throw this.fault(column, 'is empty: every row needs one')
    return this.#judged(column, kind, value)
  }

  textOrNull(column: string, kind: Kind = 'comment'): string | null {
    const value = this.#value(column)
    return value === '' ? null : this.#judged(column, kind, value)
  }

  count(column: string, kind: Kind = 'count'): number {
    const value = this.#value(column)
    if (!/^\d{1,15}$/.test(value)) throw this.fault(column, `"${value}" is not a whole number, 0 or more`)
    return this.#judged(column, kind, Number(value))
  }

  countOrNull(column: string): number | null {
    return this.#value(column) === '' ? null : this.count(column)
  }

  cents(column: string): number {
    const value = this.#value(column)
    const parts = /^(\d{1,13})(?:\.(\d{1,2}))?$/.exec(value)
    if (parts === null) {
      const comma = value.includes(',') ? ' (not a comma)' : ''
      throw this.fault(column, `"${value}" is not an amount of money: digits, and up to two more after a point${comma}`)
    }
    return this.#judged(column, 'cents', Number(parts[1]) * 100 + Number((parts[2] ?? '').padEnd(2, '0')))
  }

  instant(column: string): number {
    const value = this.#value(column)
    const shaped = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(value)
    const iso = `${value.replace(' ', 'T')}.000Z`
    const ms = shaped ? Date.parse(iso) : Number.NaN
    // Date.parse lets 30 February pass as 1 March.
    if (Number.isNaN(ms) || new Date(ms).toISOString() !== iso) {
      throw this.fault(column, `"${value}" is not a time like 2018-01-31 23:59:59`)
    }
    return this.#judged(column, 'instant', ms)
  }

  instantOrNull(column: string): number | null {
    return this.#value(column) === '' ? null : this.instant(column)
  }

  fault(column: string, what: string): DataFault {
    return new DataFault(`${this.#where()}, column "${column}": ${what}`)
  }

  #judged<T extends string | number>(column: string, kind: Kind, value: T): T {
    const fault = faultOf(kind, value)
    if (fault === undefined) return value
    const shown = typeof value === 'string' && value.length > 40 ? `${value.slice(0, 40)}…` : value
    throw this.fault(column, `"${shown}" ${fault}`)
  }

  #where(): string {
    return `${basename(this.#path)} line ${lineAt(this.#path, this.#start)}`
  }

  #value(column: string): string {
    return this.#record[this.#columns.get(column) as number] as string
  }
}
