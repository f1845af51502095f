import type { Migration } from 'tributary/database'

export const migrations: readonly Migration[] = [
  {
    name: 'customers/001_customers',
    up: async (db) => {
      await db.schema.createTable('customers', (table) => {
        table.text('customer_id').primary()
        table.text('unique_id').notNullable().comment('The person; one person may have many customer ids')
        table.text('zip').notNullable().comment('Text: leading zeros count')
        table.text('city').notNullable()
        table.text('state').notNullable()
      })
    },
  },
]
