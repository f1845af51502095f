import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { listFault } from 'tributary/rules'
import { DataFault, onlyOnce, type Row, readCsv } from './csv.ts'
import {
  byPurchase,
  type Customer,
  type Item,
  type Marketplace,
  type Order,
  type Payment,
  type Product,
  type Review,
  type Seller,
  type Status,
  statuses,
} from './marketplace.ts'

/** The files of the Olist data set, by what they hold. */
export const olistFiles = {
  customers: 'olist_customers_dataset.csv',
  products: 'olist_products_dataset.csv',
  sellers: 'olist_sellers_dataset.csv',
  translations: 'product_category_name_translation.csv',
  orders: 'olist_orders_dataset.csv',
  items: 'olist_order_items_dataset.csv',
  payments: 'olist_order_payments_dataset.csv',
  reviews: 'olist_order_reviews_dataset.csv',
} as const

type Building = Order & { items: Item[]; payments: Payment[]; reviews: Review[] }

/**
 * Reads the Olist CSV files of a folder.
 * @param limit only the first so many orders by purchase time, then order id, with the rows that belong to them:
 * their customers, products, sellers and the translations of their categories. Without it everything in the files.
 * @throws DataFault at the first missing file or column, bad value, or row that refers to nothing
 */
export async function readOlist(folder: string, limit?: number): Promise<Marketplace> {
  await requireFolder(folder)
  const file = (name: keyof typeof olistFiles) => join(folder, olistFiles[name])
  const { orders, known } = await readOrders(file('orders'), limit)
  // The same few thousand ids stand in hundreds of thousands of rows: one string each.
  const intern = interner()
  /** The order a row belongs to; undefined where the limit left it out. */
  const owner = (row: Row) => {
    const orderId = row.text('order_id', 'id')
    if (!known.has(orderId)) throw row.fault('order_id', `"${orderId}" is not in ${olistFiles.orders}`)
    return orders.get(orderId)
  }

  const [firstItem, firstPayment, firstReview] = [onlyOnce(), onlyOnce(), onlyOnce()]
  for await (const row of readCsv(file('items'), itemColumns)) {
    const order = owner(row)
    if (order === undefined) continue
    const next = item(row, intern)
    firstItem(row, 'order_item_id', order.orderId, next.itemNo)
    order.items.push(next)
    requireList(row, order, 'items')
  }
  for await (const row of readCsv(file('payments'), paymentColumns)) {
    const order = owner(row)
    if (order === undefined) continue
    const next = payment(row, intern)
    firstPayment(row, 'payment_sequential', order.orderId, next.sequence)
    order.payments.push(next)
  }
  for await (const row of readCsv(file('reviews'), reviewColumns)) {
    const order = owner(row)
    if (order === undefined) continue
    const next = review(row)
    firstReview(row, 'review_id', order.orderId, next.reviewId)
    order.reviews.push(next)
    requireList(row, order, 'reviews')
  }
  const played = [...orders.values()].sort(byPurchase)
  for (const order of played) sortParts(order)

  const all = limit === undefined
  const items = played.flatMap((order) => order.items)
  const customers = await pick(file('customers'), customer, 'customerId', {
    columns: customerColumns,
    needed: new Set(played.map((order) => order.customerId)),
    all,
  })
  const products = await pick(file('products'), (row) => product(row, intern), 'productId', {
    columns: productColumns,
    needed: new Set(items.map((item) => item.productId)),
    all,
  })
  const sellers = await pick(file('sellers'), seller, 'sellerId', {
    columns: sellerColumns,
    needed: new Set(items.map((item) => item.sellerId)),
    all,
  })
  const categories = new Set([...products.values()].map((product) => product.category))
  const translations = new Map<string, string>()
  const firstTranslation = onlyOnce()
  for await (const row of readCsv(file('translations'), translationColumns)) {
    const category = row.text(translationColumns[0], 'category')
    firstTranslation(row, translationColumns[0], category)
    if (all || categories.has(category)) translations.set(category, row.text(translationColumns[1], 'category'))
  }
  return { customers, products, sellers, translations, orders: played }
}

/** Names the data by what is in its files, wherever they lie: 16 hexadecimal digits. */
export async function fingerprintOlist(folder: string): Promise<string> {
  const sum = createHash('sha256')
  for (const name of Object.values(olistFiles)) {
    sum.update(`${name}\n`)
    for await (const chunk of createReadStream(join(folder, name))) sum.update(chunk)
  }
  return sum.digest('hex').slice(0, 16)
}

async function requireFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined)
  if (found?.isDirectory()) return
  const what = found === undefined ? "doesn't exist" : 'is not a folder'
  throw new DataFault(`${folder} ${what}: name the folder with the CSV files, e.g. load ../olist`)
}

const orderColumns = [
  'order_id',
  'customer_id',
  'order_status',
  'order_purchase_timestamp',
  'order_approved_at',
  'order_delivered_carrier_date',
  'order_delivered_customer_date',
  'order_estimated_delivery_date',
]
const itemColumns = [
  'order_id',
  'order_item_id',
  'product_id',
  'seller_id',
  'shipping_limit_date',
  'price',
  'freight_value',
]
const paymentColumns = ['order_id', 'payment_sequential', 'payment_type', 'payment_installments', 'payment_value']
const reviewColumns = [
  'review_id',
  'order_id',
  'review_score',
  'review_comment_title',
  'review_comment_message',
  'review_creation_date',
  'review_answer_timestamp',
]
const customerColumns = [
  'customer_id',
  'customer_unique_id',
  'customer_zip_code_prefix',
  'customer_city',
  'customer_state',
]
const productColumns = [
  'product_id',
  'product_category_name',
  'product_name_lenght',
  'product_description_lenght',
  'product_photos_qty',
  'product_weight_g',
  'product_length_cm',
  'product_height_cm',
  'product_width_cm',
]
const sellerColumns = ['seller_id', 'seller_zip_code_prefix', 'seller_city', 'seller_state']
const translationColumns = ['product_category_name', 'product_category_name_english'] as const

/** The orders to play by id, and the ids of all orders of the file. */
async function readOrders(
  path: string,
  limit?: number,
): Promise<{ orders: Map<string, Building>; known: Set<string> }> {
  const known = new Set<string>()
  const first = onlyOnce()
  const all: Building[] = []
  for await (const row of readCsv(path, orderColumns)) {
    const order = orderOf(row)
    first(row, 'order_id', order.orderId)
    known.add(order.orderId)
    all.push(order)
  }
  const wanted = limit === undefined ? all : all.sort(byPurchase).slice(0, limit)
  return { orders: new Map(wanted.map((order) => [order.orderId, order])), known }
}

function orderOf(row: Row): Building {
  const status = row.text('order_status')
  if (!statuses.includes(status as Status)) {
    throw row.fault('order_status', `"${status}" is none of ${statuses.join(', ')}`)
  }
  return {
    orderId: row.text('order_id', 'id'),
    customerId: row.text('customer_id', 'id'),
    status: status as Status,
    purchasedAt: row.instant('order_purchase_timestamp'),
    approvedAt: row.instantOrNull('order_approved_at'),
    shippedAt: row.instantOrNull('order_delivered_carrier_date'),
    deliveredAt: row.instantOrNull('order_delivered_customer_date'),
    estimatedAt: row.instantOrNull('order_estimated_delivery_date'),
    items: [],
    payments: [],
    reviews: [],
  }
}

/** Refuses the row with which a list of its order breaks the list's rule. */
function requireList(row: Row, order: Building, list: 'items' | 'reviews'): void {
  const fault = listFault(list, order[list])
  if (fault) throw row.fault('order_id', `order "${order.orderId}": ${list} ${fault}`)
}

function item(row: Row, intern: (text: string) => string): Item {
  return {
    itemNo: row.count('order_item_id', 'itemNo'),
    productId: intern(row.text('product_id', 'id')),
    sellerId: intern(row.text('seller_id', 'id')),
    priceCents: row.cents('price'),
    freightCents: row.cents('freight_value'),
    shipBy: row.instantOrNull('shipping_limit_date'),
  }
}

function payment(row: Row, intern: (text: string) => string): Payment {
  return {
    sequence: row.count('payment_sequential', 'sequence'),
    type: intern(row.text('payment_type')),
    installments: row.count('payment_installments'),
    cents: row.cents('payment_value'),
  }
}

function review(row: Row): Review {
  return {
    reviewId: row.text('review_id', 'id'),
    score: row.count('review_score', 'score'),
    title: row.textOrNull('review_comment_title', 'title'),
    comment: row.textOrNull('review_comment_message'),
    createdAt: row.instantOrNull('review_creation_date'),
    answeredAt: row.instantOrNull('review_answer_timestamp'),
  }
}

function customer(row: Row): Customer {
  return {
    customerId: row.text('customer_id', 'id'),
    uniqueId: row.text('customer_unique_id', 'id'),
    zip: row.text('customer_zip_code_prefix', 'zip'),
    city: row.text('customer_city'),
    state: row.text('customer_state', 'state'),
  }
}

function product(row: Row, intern: (text: string) => string): Product {
  const category = row.textOrNull('product_category_name', 'category')
  return {
    productId: row.text('product_id', 'id'),
    category: category === null ? null : intern(category),
    nameLength: row.countOrNull('product_name_lenght'),
    descriptionLength: row.countOrNull('product_description_lenght'),
    photos: row.countOrNull('product_photos_qty'),
    weightG: row.countOrNull('product_weight_g'),
    lengthCm: row.countOrNull('product_length_cm'),
    heightCm: row.countOrNull('product_height_cm'),
    widthCm: row.countOrNull('product_width_cm'),
  }
}

function seller(row: Row): Seller {
  return {
    sellerId: row.text('seller_id', 'id'),
    zip: row.text('seller_zip_code_prefix', 'zip'),
    city: row.text('seller_city'),
    state: row.text('seller_state', 'state'),
  }
}

/** Rows by id: those that are needed, or all. Throws where a needed one is not in the file. */
async function pick<Id extends string, T extends Record<Id, string>>(
  path: string,
  read: (row: Row) => T,
  id: Id,
  { columns, needed, all }: { columns: readonly string[]; needed: ReadonlySet<string>; all: boolean },
): Promise<Map<string, T>> {
  const found = new Map<string, T>()
  const first = onlyOnce()
  for await (const row of readCsv(path, columns)) {
    const idOfRow = row.text(columns[0] as string, 'id')
    first(row, columns[0] as string, idOfRow)
    if (all || needed.has(idOfRow)) found.set(idOfRow, read(row))
  }
  for (const wanted of needed) {
    if (!found.has(wanted)) throw new DataFault(`${path}: ${id} "${wanted}" is missing, an order refers to it`)
  }
  return found
}

function sortParts(order: Building): void {
  order.items.sort((a, b) => a.itemNo - b.itemNo)
  order.payments.sort((a, b) => a.sequence - b.sequence)
  order.reviews.sort((a, b) => (a.createdAt ?? 0) - (b.createdAt ?? 0) || (a.reviewId < b.reviewId ? -1 : 1))
}

function interner(): (text: string) => string {
  const seen = new Map<string, string>()
  return (text) => {
    const known = seen.get(text)
    if (known !== undefined) return known
    seen.set(text, text)
    return text
  }
}
