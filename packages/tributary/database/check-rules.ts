import type { Knex } from 'knex'
import { faultOf, kindOf, listRuleOf, ruleOf } from '#contracts/rules.ts'
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
        if (service === 'orders') yield* brokenItems(trx)
        if (service === 'reviews') yield* brokenReviews(trx)
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

/** `price_cents` is the event's `priceCents`. */
const fieldOf = (column: string) => column.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())

async function* brokenIn(trx: Knex, service: string, table: Table): AsyncGenerator<BrokenRule> {
  const kinds = table.columns.map((column) => kindOf(fieldOf(column))!)
  const read = table.columns.map((column, at) => {
    const { type } = ruleOf(kinds[at]!)
    // As floats: no year and no integer of Postgres is beyond them, and what they round lies beyond every rule.
    if (type === 'instant') return trx.raw('(extract(epoch from ??) * 1000)::float8 as ??', [column, `value_${at}`])
    return trx.raw(type === 'integer' ? '??::float8 as ??' : '?? as ??', [column, `value_${at}`])
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

/** Orders whose items are too many, or too much together. */
async function* brokenItems(trx: Knex): AsyncGenerator<BrokenRule> {
  const { most, sum, because } = listRuleOf('items')!
  const { rows } = await trx.raw(
    `select order_id, count(*)::float8 as items, sum(price_cents + freight_cents)::float8 as cents from items
     group by order_id having count(*) > ? or sum(price_cents + freight_cents) > ?`,
    [most, sum!.max],
  )
  for (const { order_id, items, cents } of rows) {
    const fault =
      items > most
        ? `${items} rows, at most ${most} are possible`
        : `${cents} together, at most ${sum!.max} are possible`
    const column = items > most ? 'item_no' : 'price_cents + freight_cents'
    yield { service: 'orders', table: 'items', key: { order_id }, column, fault: `${fault}: ${because}` }
  }
}

/** Orders whose reviews are too many. */
async function* brokenReviews(trx: Knex): AsyncGenerator<BrokenRule> {
  const { most, because } = listRuleOf('reviews')!
  const { rows } = await trx.raw(
    'select order_id, count(*)::float8 as reviews from reviews group by order_id having count(*) > ?',
    [most],
  )
  for (const { order_id, reviews } of rows) {
    const fault = `${reviews} rows, at most ${most} are possible: ${because}`
    yield { service: 'reviews', table: 'reviews', key: { order_id }, column: 'review_id', fault }
  }
}
