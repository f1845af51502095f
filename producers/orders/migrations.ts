import type { Migration } from 'tributary/database'
import { statuses } from './status.ts'

export const migrations: readonly Migration[] = [
  {
    name: 'orders/001_orders',
    up: async (db) => {
      await db.schema.createTable('orders', (table) => {
        table.text('order_id').primary()
        table.text('customer_id').notNullable()
        table
          .text('status')
          .notNullable()
          .checkIn([...statuses])
        table.timestamp('purchased_at', { useTz: true }).notNullable()
        table.timestamp('approved_at', { useTz: true })
        table.timestamp('estimated_at', { useTz: true })
      })
      await db.schema.createTable('items', (table) => {
        table.text('order_id').notNullable().references('orders.order_id')
        table.integer('item_no').notNullable()
        table.text('product_id').notNullable()
        table.text('seller_id').notNullable()
        table.bigInteger('price_cents').notNullable()
        table.bigInteger('freight_cents').notNullable()
        table.timestamp('ship_by', { useTz: true })
        table.primary(['order_id', 'item_no'])
      })
    },
  },
  {
    name: 'orders/002_learned_from_payments_and_shipping',
    up: async (db) => {
      await db.schema.createTable('known_payments', (table) => {
        table.text('order_id').notNullable()
        table.integer('sequence').notNullable()
        table.bigInteger('cents').notNullable()
        table.primary(['order_id', 'sequence'])
      })
      await db.schema.createTable('known_shipments', (table) => {
        table.text('order_id').notNullable()
        table.text('shipment_id').notNullable()
        table.text('seller_id')
        table.text('status').notNullable()
        table.primary(['order_id', 'shipment_id'])
      })
    },
  },
]
