import type { Migration } from 'tributary/database'

export const migrations: readonly Migration[] = [
  {
    name: 'payments/001_payments',
    up: async (db) => {
      await db.schema.createTable('payments', (table) => {
        table.text('order_id').notNullable()
        table.integer('sequence').notNullable()
        table.text('type').notNullable()
        table.integer('installments').notNullable()
        table.bigInteger('cents').notNullable()
        table.primary(['order_id', 'sequence'])
        table.check('cents >= 0 and installments >= 0')
      })
      await db.schema.createTable('known_orders', (table) => {
        table.text('order_id').primary()
        table.text('closed').comment('canceled or unavailable: takes no more payments; NULL while it does')
      })
    },
  },
]
