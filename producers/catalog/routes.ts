import type { Api } from 'tributary/service'
import { z } from 'zod'
import { category as categoryName, count, name, productId, sellerId, state, zip } from '#schemas/values.ts'
import {
  categoriseProduct,
  findCategory,
  findProduct,
  findSeller,
  joinSeller,
  listProduct,
  moveSeller,
  translateCategory,
} from './commands.ts'

const measure = count.nullable().default(null)
const category = categoryName.nullable()
const NewProduct = z.strictObject({
  productId,
  category,
  nameLength: measure,
  descriptionLength: measure,
  photos: measure,
  weightG: measure,
  lengthCm: measure,
  heightCm: measure,
  widthCm: measure,
})
const Address = z.strictObject({ zip, city: name, state })
const NewSeller = z.strictObject({ sellerId, ...Address.shape })

export function catalogRoutes(api: Api): void {
  productRoutes(api)
  sellerRoutes(api)
  categoryRoutes(api)
}

function productRoutes(api: Api): void {
  const params = z.object({ productId })
  api.post('/products', {
    summary: 'List a product',
    body: NewProduct,
    status: 201,
    run: (trx, { body }) => listProduct(trx, body),
  })
  api.post('/products/:productId/categorise', {
    summary: 'Put a product into another category',
    params,
    body: z.strictObject({ category }),
    run: (trx, { params, body }) => categoriseProduct(trx, params.productId, body.category),
  })
  api.get('/products/:productId', {
    summary: 'A product',
    params,
    run: (db, { params }) => findProduct(db, params.productId),
  })
}

function sellerRoutes(api: Api): void {
  const params = z.object({ sellerId })
  api.post('/sellers', {
    summary: 'Let a seller join',
    body: NewSeller,
    status: 201,
    run: (trx, { body }) => joinSeller(trx, body),
  })
  api.post('/sellers/:sellerId/move', {
    summary: 'Give a seller another address',
    params,
    body: Address,
    run: (trx, { params, body }) => moveSeller(trx, params.sellerId, body),
  })
  api.get('/sellers/:sellerId', {
    summary: 'A seller',
    params,
    run: (db, { params }) => findSeller(db, params.sellerId),
  })
}

function categoryRoutes(api: Api): void {
  const params = z.object({ category: categoryName })
  api.put('/categories/:category', {
    summary: 'Give a category its English name',
    params,
    body: z.strictObject({ english: categoryName }),
    run: (trx, { params, body }) => translateCategory(trx, params.category, body.english),
  })
  api.get('/categories/:category', {
    summary: "A category's English name",
    params,
    run: (db, { params }) => findCategory(db, params.category),
  })
}
