import type { Migration } from 'tributary/database'

export const migrations: readonly Migration[] = [
  {
    name: 'shipping/001_shipments',
    up: async (db) => {
      await db.schema.createTable('shipments', (table) => {
        table.text('shipment_id').primary()
        table.text('order_id').notNullable().index()
        table.text('seller_id').comment('NULL where the order has no items')
        table.text('status').notNullable().checkIn(['prepared', 'shipped', 'delivered'])
        table.timestamp('shipped_at', { useTz: true })
        table.timestamp('delivered_at', { useTz: true })
      })
      await db.schema.createTable('known_orders', (table) => {
        table.text('order_id').primary()
        table.specificType('sellers', 'text[]').notNullable()
        table.text('closed').comment('canceled or unavailable: nothing more is prepared for it')
      })
    },
  },
]
