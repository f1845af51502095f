import type { Knex } from 'knex'
import { faultOf, kindOf, type ListRule, ruleOf, storedLists } from '#contracts/rules'
import { type DatabaseLogin, openDatabase } from './connect.ts'

/** A stored value that no door would let in today. */
export interface BrokenRule {
  readonly service: string
  readonly table: string
  /** The row's primary key, by column. */
  readonly key: Readonly<Record<string, unknown>>
  readonly column: string
  /** What is wrong, in words that go on from the column's name. */
  readonly fault: string
}

/** Rows that are looked at in one go. */
const PAGE = 5_000

/**
 * Looks at every row of every service's own tables and gives those that break today's rules. What they hold came in
 * before a rule; readers carry it on as far as it can be represented. Reads only, each database in one snapshot.
 */
export async function* brokenRules(
  services: readonly string[],
  loginOf: (service: string) => DatabaseLogin,
): AsyncGenerator<BrokenRule> {
  for (const service of services) {
    const db = openDatabase(loginOf(service), { application: 'rules check', pool: 1 })
    try {
      const trx = await db.transaction({ isolationLevel: 'repeatable read', readOnly: true })
      try {
        for (const table of await ownTables(trx)) yield* brokenIn(trx, service, table)
        for (const list of storedLists(service)) yield* brokenList(trx, list)
      } finally {
        await trx.rollback()
      }
    } finally {
      await db.destroy()
    }
  }
}

interface Table {
  readonly name: string
  readonly key: readonly string[]
  readonly columns: readonly string[]
}

/** With the columns that have a rule. What a service learned of others (`known_…`) is theirs, and outbox and inbox are libraries'. */
async function ownTables(trx: Knex): Promise<Table[]> {
  const { rows } = await trx.raw(
    `select c.relname as name,
       array(select a.attname::text from pg_attribute a
             where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped order by a.attnum) as columns,
       array(select a.attname::text from pg_index i join pg_attribute a on a.attrelid = c.oid and a.attnum = any (i.indkey)
             where i.indrelid = c.oid and i.indisprimary order by a.attnum) as key
     from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
       and c.relname !~ '^(outbox|inbox|known_|knex_|idempotency_)'
     order by c.relname`,
  )
  return (rows as Table[])
    .map(({ columns, ...table }) => ({ ...table, columns: columns.filter((column) => kindOf(fieldOf(column))) }))
    .filter(({ columns }) => columns.length > 0)
}

/** The event's `dueAt` is `due_at`. */
const columnOf = (field: string) => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
const fieldOf = (column: string) => column.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())

async function* brokenIn(trx: Knex, service: string, table: Table): AsyncGenerator<BrokenRule> {
  const kinds = table.columns.map((column) => kindOf(fieldOf(column))!)
  const read = table.columns.map((column, at) => {
    const { type } = ruleOf(kinds[at]!)
    // As floats: no year and no integer of Postgres is beyond them, and what they round lies beyond every rule.
    if (type === 'instant') return trx.raw('(extract(epoch from ??) * 1000)::float8 as ??', [column, `value_${at}`])
    const cast = type === 'integer' ? '::float8' : type === 'day' ? '::text' : ''
    return trx.raw(`??${cast} as ??`, [column, `value_${at}`])
  })
  await trx.raw('declare rules_check no scroll cursor for ?', [trx(table.name).select(...table.key, ...read)])
  for (;;) {
    const { rows } = await trx.raw(`fetch ${PAGE} from rules_check`)
    for (const row of rows as Record<string, unknown>[]) {
      const key = Object.fromEntries(table.key.map((column) => [column, row[column]]))
      for (const [at, column] of table.columns.entries()) {
        const value = row[`value_${at}`]
        const fault = value === null ? undefined : faultOf(kinds[at]!, value)
        if (fault) yield { service, table: table.name, key, column, fault }
      }
    }
    if (rows.length < PAGE) break
  }
  await trx.raw('close rules_check')
}

/** Lists that have too many rows, or too much in them together. */
async function* brokenList(trx: Knex, { most, sum, because, rows: stored }: ListRule): AsyncGenerator<BrokenRule> {
  const { service, table, of, each } = stored!
  const columns = (sum?.of ?? []).map(columnOf)
  const total = columns.length === 0 ? '0' : columns.map(() => '??').join(' + ')
  const { rows } = await trx.raw(
    `select ?? as whose, count(*)::float8 as n, sum(${total})::float8 as total from ??
     group by 1 having count(*) > ? or sum(${total}) > ?`,
    [of, ...columns, table, most, ...columns, sum?.max ?? 0],
  )
  for (const { whose, n, total } of rows) {
    const many = n > most
    const fault = many
      ? `${n} rows, at most ${most} are possible`
      : `${total} together, at most ${sum!.max} are possible`
    yield {
      service,
      table,
      key: { [of]: whose },
      column: many ? each : columns.join(' + '),
      fault: `${fault}: ${because}`,
    }
  }
}
