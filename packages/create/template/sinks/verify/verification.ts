import type { Verification } from 'tributary/verify'

/** The read models, recomputed from the services' tables. */
export const verification: Verification = {
  tables: new URL('./tables.sql', import.meta.url),
  copied: [
    { service: 'members', table: 'members', columns: 'member_id, name' },
    { service: 'loans', table: 'loans', columns: 'loan_id, member_id, title, lent_at, returned_at' },
  ],
  readModels: { loans: { sql: new URL('./loans.sql', import.meta.url), of: ['members', 'loans'] } },
}
