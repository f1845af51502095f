import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fingerprintOlist, olistFiles, readOlist } from './olist.ts'

/** A marketplace of three orders in files, the newest order first. */
const files: Record<keyof typeof olistFiles, string> = {
  customers: `"customer_id","customer_unique_id","customer_zip_code_prefix","customer_city","customer_state"
c1,u1,"01151",são paulo,SP
c2,u1,"20031",rio,RJ
c3,u3,"88000",blumenau,SC
`,
  products: `"product_id","product_category_name","product_name_lenght","product_description_lenght","product_photos_qty","product_weight_g","product_length_cm","product_height_cm","product_width_cm"
p1,artes,40,287,1,225,16,10,14
p2,,,,,,,,
p3,jogos,40,287,1,225,16,10,14
p4,casa,40,287,1,225,16,10,14
`,
  sellers: `"seller_id","seller_zip_code_prefix","seller_city","seller_state"
s1,"04557",campinas,SP
s2,"13844",mogi,SP
`,
  translations:
    '\uFEFFproduct_category_name,product_category_name_english\r\nartes,art\r\ncasa,home\r\nmusica,music\r\n',
  orders: `"order_id","customer_id","order_status","order_purchase_timestamp","order_approved_at","order_delivered_carrier_date","order_delivered_customer_date","order_estimated_delivery_date"
o3,c3,created,2018-01-03 00:00:00,,,,
o2,c2,delivered,2018-01-02 00:00:00,2018-01-02 01:00:00,2018-01-03 00:00:00,2018-01-09 00:00:00,2018-01-18 00:00:00
o1,c1,canceled,2018-01-02 00:00:00,,,,2018-01-18 00:00:00
`,
  items: `"order_id","order_item_id","product_id","seller_id","shipping_limit_date","price","freight_value"
o2,2,p2,s1,2018-01-05 00:00:00,10.00,0.00
o2,1,p1,s1,2018-01-05 00:00:00,58.90,13.29
o3,1,p3,s2,2018-01-05 00:00:00,1.00,1.00
`,
  payments: `"order_id","payment_sequential","payment_type","payment_installments","payment_value"
o2,3,voucher,1,0.00
o2,1,credit_card,8,82.19
`,
  reviews:
    '"review_id","order_id","review_score","review_comment_title","review_comment_message","review_creation_date","review_answer_timestamp"\r\n' +
    'r1,o2,4,,"bom\r\nmas caro",2018-01-18 00:00:00,2018-01-18 21:46:59\r\nr1,o1,1,não,,,\r\n',
}

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'olist-'))
  for (const name of Object.keys(files) as (keyof typeof files)[]) await write(name, files[name])
})
afterEach(() => rm(folder, { recursive: true }))

const write = (name: keyof typeof files, text: string) => writeFile(join(folder, olistFiles[name]), text)
const spoil = (name: keyof typeof files, from: string, to: string) => write(name, files[name].replace(from, to))

test('orders come by purchase time, then id, with their parts in order', async () => {
  const { orders } = await readOlist(folder)
  expect(orders.map((order) => order.orderId)).toEqual(['o1', 'o2', 'o3'])
  expect(orders[1]).toEqual({
    orderId: 'o2',
    customerId: 'c2',
    status: 'delivered',
    purchasedAt: Date.UTC(2018, 0, 2),
    approvedAt: Date.UTC(2018, 0, 2, 1),
    shippedAt: Date.UTC(2018, 0, 3),
    deliveredAt: Date.UTC(2018, 0, 9),
    estimatedAt: Date.UTC(2018, 0, 18),
    items: [
      {
        itemNo: 1,
        productId: 'p1',
        sellerId: 's1',
        priceCents: 5_890,
        freightCents: 1_329,
        shipBy: Date.UTC(2018, 0, 5),
      },
      { itemNo: 2, productId: 'p2', sellerId: 's1', priceCents: 1_000, freightCents: 0, shipBy: Date.UTC(2018, 0, 5) },
    ],
    payments: [
      { sequence: 1, type: 'credit_card', installments: 8, cents: 8_219 },
      { sequence: 3, type: 'voucher', installments: 1, cents: 0 },
    ],
    reviews: [
      {
        reviewId: 'r1',
        score: 4,
        title: null,
        comment: 'bom\r\nmas caro',
        createdAt: Date.UTC(2018, 0, 18),
        answeredAt: Date.UTC(2018, 0, 18, 21, 46, 59),
      },
    ],
  })
})

test('without a limit everything in the files is there', async () => {
  const market = await readOlist(folder)
  expect([...market.products.keys()]).toEqual(['p1', 'p2', 'p3', 'p4'])
  expect([...market.sellers.keys()]).toEqual(['s1', 's2'])
  expect([...market.translations]).toEqual([
    ['artes', 'art'],
    ['casa', 'home'],
    ['musica', 'music'],
  ])
  expect(market.products.get('p2')).toMatchObject({ category: null, photos: null, weightG: null })
  expect(market.customers.get('c1')).toMatchObject({ zip: '01151', city: 'são paulo' })
})

test('a limit takes the first orders and exactly what belongs to them', async () => {
  const market = await readOlist(folder, 2)
  expect(market.orders.map((order) => order.orderId)).toEqual(['o1', 'o2'])
  expect([...market.customers.keys()]).toEqual(['c1', 'c2'])
  expect([...market.products.keys()]).toEqual(['p1', 'p2'])
  expect([...market.sellers.keys()]).toEqual(['s1'])
  expect([...market.translations.keys()]).toEqual(['artes'])
})

test('a limit above the number of orders takes all orders', async () => {
  expect((await readOlist(folder, 100)).orders).toHaveLength(3)
})

test('the fingerprint changes with any file, not with the folder', async () => {
  const before = await fingerprintOlist(folder)
  expect(await fingerprintOlist(folder)).toBe(before)
  await spoil('sellers', 'mogi', 'mogi guaçu')
  expect(await fingerprintOlist(folder)).not.toBe(before)
})

describe('faults', () => {
  test('a missing folder and a missing file', async () => {
    await expect(readOlist(join(folder, 'none'))).rejects.toThrow(/none doesn't exist: name the folder with the CSV/)
    await rm(join(folder, olistFiles.reviews))
    await expect(readOlist(folder)).rejects.toThrow(/olist_order_reviews_dataset\.csv is missing/)
  })

  test('an unknown status', async () => {
    await spoil('orders', 'canceled', 'lost')
    await expect(readOlist(folder)).rejects.toThrow(
      /orders_dataset\.csv line 4, column "order_status": "lost" is none of/,
    )
  })

  test.each<[keyof typeof files, string, RegExp]>([
    ['customers', 'c1,u9,"01151",x,SP\n', /line 5, column "customer_id": "c1" stands in line 2 already/],
    ['products', 'p2,,,,,,,,\n', /line 6, column "product_id": "p2" stands in line 3 already/],
    ['sellers', 's1,"1",x,SP\n', /line 4, column "seller_id": "s1" stands in line 2 already/],
    ['translations', 'artes,arts\n', /line 5, column "product_category_name": "artes" stands in line 2 already/],
    ['items', 'o2,1,p1,s1,,1.00,1.00\n', /line 5, column "order_item_id": "o2 \/ 1" stands in line 3 already/],
    ['payments', 'o2,3,voucher,1,1.00\n', /line 4, column "payment_sequential": "o2 \/ 3" stands in line 2 already/],
    ['reviews', 'r1,o1,5,,,,\n', /line 5, column "review_id": "o1 \/ r1" stands in line 4 already/],
  ])('%s with a row that stands twice', async (name, row, what) => {
    await write(name, files[name] + row)
    await expect(readOlist(folder)).rejects.toThrow(what)
  })

  test('an order that stands twice', async () => {
    await spoil('orders', 'o1,c1', 'o2,c1')
    await expect(readOlist(folder)).rejects.toThrow(/line 4, column "order_id": "o2" stands in line 3 already/)
  })

  test('a row of an order that is not there, also under a limit', async () => {
    await spoil('payments', 'o2,3', 'o9,3')
    const what = /payments_dataset\.csv line 2, column "order_id": "o9" is not in olist_orders_dataset\.csv/
    await expect(readOlist(folder)).rejects.toThrow(what)
    await expect(readOlist(folder, 1)).rejects.toThrow(what)
  })

  test('an item of a product that is not there', async () => {
    await spoil('items', 'p2', 'p9')
    await expect(readOlist(folder)).rejects.toThrow(/products_dataset\.csv: productId "p9" is missing/)
  })

  test.each<['items' | 'reviews', (n: number) => string, number, RegExp]>([
    [
      'items',
      (n) => `o1,${n},p1,s1,,1.00,1.00\n`,
      401,
      /line 405, column "order_id": order "o1": items has 401, at most/,
    ],
    [
      'reviews',
      (n) => `r${n},o1,5,,,,\n`,
      100,
      /line 104, column "order_id": order "o1": reviews has 101, at most 100/,
    ],
  ])('more %s than an order may have', async (name, row, count, what) => {
    const rows = Array.from({ length: count }, (_, n) => row(n + 2))
    await write(name, files[name] + rows.slice(0, -1).join(''))
    await readOlist(folder)
    await write(name, files[name] + rows.join(''))
    await expect(readOlist(folder)).rejects.toThrow(what)
  })

  test('a score out of bounds', async () => {
    await spoil('reviews', 'r1,o2,4', 'r1,o2,6')
    await expect(readOlist(folder)).rejects.toThrow(/line 2, column "review_score": "6" must be between 1 and 5/)
  })
})
