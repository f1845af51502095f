import type { Knex } from 'knex'
import type { Plain } from 'tributary/contracts'
import { publish } from 'tributary/outbox'
import { conflict, notFound } from 'tributary/service'
import {
  CategoryTranslated,
  ProductCategorised,
  ProductListed,
  SellerJoined,
  SellerMoved,
} from '#schemas/contracts.generated.ts'

/** Puts a product up for sale. 409 when it is listed already. */
export async function listProduct(trx: Knex.Transaction, product: Plain<ProductListed>): Promise<Plain<ProductListed>> {
  const inserted = await trx('products')
    .insert({
      product_id: product.productId,
      category: product.category,
      name_length: product.nameLength,
      description_length: product.descriptionLength,
      photos: product.photos,
      weight_g: product.weightG,
      length_cm: product.lengthCm,
      height_cm: product.heightCm,
      width_cm: product.widthCm,
    })
    .onConflict('product_id')
    .ignore()
    .returning('product_id')
  if (inserted.length === 0) throw conflict('product_exists', `product "${product.productId}" is listed already`)
  await publish(trx, ProductListed, product)
  return product
}

/** Puts a product into another category, or into none. 404 when there is no such product. */
export async function categoriseProduct(
  trx: Knex.Transaction,
  productId: string,
  category: string | null,
): Promise<Plain<ProductCategorised>> {
  const updated = await trx('products').where({ product_id: productId }).update({ category })
  if (updated === 0) throw unknownProduct(productId)
  await publish(trx, ProductCategorised, { productId, category })
  return { productId, category }
}

/** Lets a seller join. 409 when it is a seller already. */
export async function joinSeller(trx: Knex.Transaction, seller: Plain<SellerJoined>): Promise<Plain<SellerJoined>> {
  const { sellerId, zip, city, state } = seller
  const inserted = await trx('sellers')
    .insert({ seller_id: sellerId, zip, city, state })
    .onConflict('seller_id')
    .ignore()
    .returning('seller_id')
  if (inserted.length === 0) throw conflict('seller_exists', `seller "${sellerId}" has joined already`)
  await publish(trx, SellerJoined, { sellerId, zip, city, state })
  return seller
}

/** Gives a seller another address. 404 when there is no such seller. */
export async function moveSeller(
  trx: Knex.Transaction,
  sellerId: string,
  address: Omit<Plain<SellerMoved>, 'sellerId'>,
): Promise<Plain<SellerMoved>> {
  const { zip, city, state } = address
  const updated = await trx('sellers').where({ seller_id: sellerId }).update({ zip, city, state })
  if (updated === 0) throw unknownSeller(sellerId)
  await publish(trx, SellerMoved, { sellerId, zip, city, state })
  return { sellerId, zip, city, state }
}

/** Gives a category its English name. Saying the same again changes nothing and publishes nothing. */
export async function translateCategory(
  trx: Knex.Transaction,
  category: string,
  english: string,
): Promise<CategoryTranslated> {
  const { rows } = await trx.raw(
    `insert into category_translations as known (category, english) values (?, ?)
     on conflict (category) do update set english = excluded.english where known.english <> excluded.english
     returning category`,
    [category, english],
  )
  if (rows.length > 0) await publish(trx, CategoryTranslated, { category, english })
  return { category, english }
}

/** 404 when there is no such product. */
export async function findProduct(db: Knex, productId: string): Promise<Plain<ProductListed>> {
  const found = await db('products').where({ product_id: productId }).first({
    productId: 'product_id',
    category: 'category',
    nameLength: 'name_length',
    descriptionLength: 'description_length',
    photos: 'photos',
    weightG: 'weight_g',
    lengthCm: 'length_cm',
    heightCm: 'height_cm',
    widthCm: 'width_cm',
  })
  if (!found) throw unknownProduct(productId)
  return found as ProductListed
}

/** 404 when there is no such seller. */
export async function findSeller(db: Knex, sellerId: string): Promise<Plain<SellerJoined>> {
  const found = await db('sellers')
    .where({ seller_id: sellerId })
    .first('seller_id as sellerId', 'zip', 'city', 'state')
  if (!found) throw unknownSeller(sellerId)
  return found
}

/** 404 when the category has no translation. */
export async function findCategory(db: Knex, category: string): Promise<CategoryTranslated> {
  const found = await db('category_translations').where({ category }).first('category', 'english')
  if (!found) throw notFound('unknown_category', `category "${category}" has no translation`)
  return found
}

const unknownProduct = (productId: string) => notFound('unknown_product', `there is no product "${productId}"`)
const unknownSeller = (sellerId: string) => notFound('unknown_seller', `there is no seller "${sellerId}"`)
