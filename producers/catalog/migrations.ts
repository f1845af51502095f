import type { Migration } from 'tributary/database'

export const migrations: readonly Migration[] = [
  {
    name: 'catalog/001_catalog',
    up: async (db) => {
      await db.schema.createTable('products', (table) => {
        table.text('product_id').primary()
        table.text('category').comment("The category's own name; NULL where the product has none")
        for (const column of ['name_length', 'description_length', 'photos']) table.integer(column)
        for (const column of ['weight_g', 'length_cm', 'height_cm', 'width_cm']) table.integer(column)
      })
      await db.schema.createTable('sellers', (table) => {
        table.text('seller_id').primary()
        table.text('zip').notNullable().comment('Text: leading zeros count')
        table.text('city').notNullable()
        table.text('state').notNullable()
      })
      await db.schema.createTable('category_translations', (table) => {
        table.text('category').primary()
        table.text('english').notNullable()
      })
    },
  },
]
