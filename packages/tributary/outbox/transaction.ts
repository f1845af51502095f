import type { Knex } from 'knex'
import type { ClientBase } from 'pg'

/** The transaction of a business change: knex's, or a plain `pg` client between its `begin` and its `commit`. */
export type Transaction = Knex | ClientBase

/** A statement; each value stands in it as `?`. */
export interface Statement {
  readonly sql: string
  readonly values: readonly unknown[]
  /** Where it has one, the server plans it once per connection. */
  readonly name?: string
}

export const isKnex = (db: object): db is Knex => 'raw' in db

/** Whether what is written on it waits for a commit. A pool never is, whatever its clients do. */
export function isInTransaction(trx: Transaction): boolean {
  if (isKnex(trx)) return trx.isTransaction === true
  // As the server said it with its last answer; one that failed ('E') refuses the next statement itself.
  return /^[TE]$/.test(trx.getTransactionStatus?.() ?? '')
}

/** Runs one statement on the transaction's connection. */
export async function execute(trx: Transaction, { sql, values, name }: Statement): Promise<void> {
  if (isKnex(trx)) {
    const statement = trx.raw(sql, values as Knex.RawBinding[])
    await (name === undefined ? statement : statement.options({ name }))
  } else {
    await trx.query({ text: numbered(sql), values: [...values], ...(name !== undefined && { name }) })
  }
}

/** With `$1`, `$2` … in place of each `?`. */
function numbered(sql: string): string {
  let count = 0
  return sql.replaceAll('?', () => `$${++count}`)
}
