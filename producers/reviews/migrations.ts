import type { Migration } from 'tributary/database'

export const migrations: readonly Migration[] = [
  {
    name: 'reviews/001_reviews',
    up: async (db) => {
      await db.schema.createTable('reviews', (table) => {
        table.text('order_id').notNullable()
        table.text('review_id').notNullable().comment('Unique within the order only')
        table.integer('score').notNullable()
        table.text('title')
        table.text('comment')
        table.timestamp('created_at', { useTz: true }).notNullable()
        table.timestamp('answered_at', { useTz: true })
        table.primary(['order_id', 'review_id'])
        table.check('score between 1 and 5')
      })
    },
  },
]
