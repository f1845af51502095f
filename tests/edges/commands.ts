import fc from 'fast-check'
import { notText, oddAmount, oddInstant, oddText } from './odd-values.ts'

/** One command as a client sends it. */
export interface Command {
  readonly service: string
  readonly method: 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly body?: unknown
  /** The order it refers to: a service that hasn't heard of it yet may be asked again. */
  readonly ofOrder?: string
  /** Where what it made can be read, and what must stand there as it was typed. */
  readonly made?: { readonly path: string; readonly fields: Readonly<Record<string, unknown>> }
}

const KINDS = [
  'customer',
  'customer',
  'move-customer',
  'erase-customer',
  'seller',
  'move-seller',
  'product',
  'categorise',
  'translate',
  'order',
  'order',
  'order',
  'order',
  'approve',
  'invoice',
  'process',
  'cancel',
  'unavailable',
  'payment',
  'payment',
  'reverse',
  'shipment',
  'ship',
  'deliver',
  'review',
  'review',
  'answer',
  'withdraw',
] as const

/** What a command is made of: choices, so that a failing script shrinks to a short and plain one. */
const choice = fc.record({
  kind: fc.constantFrom(...KINDS),
  /** Which of the things there are it is about. */
  at: fc.tuple(fc.nat(1_000), fc.nat(1_000), fc.nat(1_000)),
  /** How a new thing is called: mostly plainly, so that others can refer to it. */
  id: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 2, arbitrary: oddText }),
  texts: fc.tuple(oddText, oddText, oddText),
  amounts: fc.tuple(oddAmount, oddAmount, oddAmount),
  instants: fc.tuple(oddInstant, oddInstant),
  score: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: 5 }) }, { weight: 1, arbitrary: oddAmount }),
  items: fc.array(fc.tuple(fc.nat(1_000), fc.nat(1_000), oddAmount, oddAmount), { maxLength: 4 }),
  /** Mostly ordinary values, so that most commands are accepted and the odd one stands among them. */
  odd: fc.integer({ min: 0, max: 9 }),
  wrongType: fc.oneof({ weight: 19, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: notText }),
})
export type Choice = typeof choice extends fc.Arbitrary<infer T> ? T : never

/**
 * Each script begins with plain things, three of each kind: the odd ones have something to refer to, and to stand beside.
 * Each round refers to its own things, the newest.
 */
const plainBeginning = [1, 1, 5].flatMap((newest) =>
  (['customer', 'seller', 'product', 'order', 'payment', 'shipment', 'review'] as const).map(
    (kind): Choice => ({
      kind,
      at: [newest, newest, newest],
      id: undefined,
      texts: ['', '', ''],
      amounts: [0, 0, 0],
      instants: ['', ''],
      score: 5,
      items: [[newest, newest, 0, 0]],
      odd: 9,
      wrongType: undefined,
    }),
  ),
)
/** So many commands at the beginning of a script are plain: new things, which have to be accepted. */
export const PLAIN_ONES = plainBeginning.length

export const choices = (length: number) => fc.array(choice, { minLength: length, maxLength: length })

/**
 * The commands that the choices come to. References go to things made earlier in the script, whether they were accepted
 * or not; plain names begin with `run`, so that a script finds a place of its own on a stack that has seen others.
 */
export function script(all: readonly Choice[], run: string): Command[] {
  const customers: string[] = []
  const people: string[] = []
  const sellers: string[] = []
  const products: string[] = []
  const categories: string[] = []
  const orders: string[] = []
  const payments: [string, number][] = []
  const shipments: string[] = []
  const reviews: [string, string][] = []
  const pick = <T>(list: readonly T[], at: number, otherwise: T): T => list[at % Math.max(1, list.length)] ?? otherwise
  const encoded = encodeURIComponent

  const commandOf = (one: Choice, n: number): Command => {
    const odd = one.odd < 4
    const text = (i: 0 | 1 | 2, plain: string): unknown => one.wrongType ?? (odd ? one.texts[i] : plain)
    const amount = (i: 0 | 1 | 2): unknown => (odd ? one.amounts[i] : 100 + n)
    const instant = (i: 0 | 1): unknown => (odd ? one.instants[i] : `2018-0${(n % 9) + 1}-10T0${n % 10}:00:00Z`)
    // An odd name mostly begins with the run's, so that it is new; at times it is odd from its first character on.
    const named = (kind: string) => {
      if (one.id === undefined) return `${run}${kind}${n}`
      return one.at[0] % 4 === 0 ? one.id : `${run}${one.id}`
    }
    const address = () => ({ zip: text(0, '01310'), city: text(1, 'sao paulo'), state: text(2, `${run}SP`) })
    const [a, b, c] = one.at

    switch (one.kind) {
      case 'customer': {
        const customerId = named('c')
        const uniqueId = people.length > 0 && a % 2 === 0 ? pick(people, a, customerId) : `${customerId}u`
        customers.push(customerId)
        people.push(uniqueId)
        const body = { customerId, uniqueId, ...address() }
        const made = { path: `/customers/${safe(customerId)}`, fields: body }
        return { service: 'customers', method: 'POST', path: '/customers', body, made }
      }
      case 'move-customer':
        return post('customers', `/customers/${safe(pick(customers, a, 'nobody'))}/move`, address())
      case 'erase-customer':
        return {
          service: 'customers',
          method: 'DELETE',
          path: `/customers/${safe(n % 4 === 0 ? pick(customers, a, 'nobody') : 'nobody')}`,
        }
      case 'seller': {
        const sellerId = named('s')
        sellers.push(sellerId)
        const body = { sellerId, ...address() }
        return { ...post('catalog', '/sellers', body), made: { path: `/sellers/${safe(sellerId)}`, fields: body } }
      }
      case 'move-seller':
        return post('catalog', `/sellers/${safe(pick(sellers, a, 'nobody'))}/move`, address())
      case 'product': {
        const productId = named('p')
        products.push(productId)
        const category = a % 5 === 0 ? null : text(0, `${run}books`)
        if (typeof category === 'string') categories.push(category)
        return post('catalog', '/products', { productId, category })
      }
      case 'categorise':
        return post('catalog', `/products/${safe(pick(products, a, 'nothing'))}/categorise`, {
          category: text(0, `${run}music`),
        })
      case 'translate': {
        const category = pick(categories, a, 'none')
        return {
          service: 'catalog',
          method: 'PUT',
          path: `/categories/${safe(category)}`,
          body: { english: text(1, 'books') },
        }
      }
      case 'order': {
        const orderId = named('o')
        orders.push(orderId)
        const items = one.items.map(([p, s, price, freight], i) => ({
          itemNo: i + 1,
          productId: pick(products, p, `${run}p?`),
          sellerId: pick(sellers, s, `${run}s?`),
          priceCents: odd ? price : p,
          freightCents: odd ? freight : s,
          shipBy: null,
        }))
        const customerId = pick(customers, b, `${run}c?`)
        const body = {
          orderId,
          customerId,
          purchasedAt: instant(0),
          estimatedAt: c % 3 === 0 ? null : instant(1),
          items,
        }
        return {
          ...post('orders', '/orders', body),
          made: { path: `/orders/${safe(orderId)}`, fields: { orderId, customerId } },
        }
      }
      case 'approve':
        return post('orders', `/orders/${safe(pick(orders, a, 'none'))}/approve`, { approvedAt: instant(0) })
      case 'invoice':
      case 'process':
      case 'unavailable':
      case 'cancel':
        return post('orders', `/orders/${safe(pick(orders, a, 'none'))}/${one.kind}`, undefined)
      case 'payment': {
        const orderId = pick(orders, a, 'none')
        const sequence = odd ? one.amounts[0] : (b % 5) + 1
        if (typeof sequence === 'number') payments.push([orderId, sequence])
        const body = {
          orderId,
          sequence,
          type: text(0, 'voucher'),
          installments: odd ? one.amounts[1] : 1,
          cents: amount(2),
        }
        return { ...post('payments', '/payments', body), ofOrder: orderId }
      }
      case 'reverse': {
        const [orderId, sequence] = pick(payments, a, ['none', 1])
        return post('payments', `/payments/${safe(orderId)}/${sequence}/reverse`, undefined)
      }
      case 'shipment': {
        const orderId = pick(orders, a, 'none')
        const sellerId = b % 4 === 0 ? null : pick(sellers, b, `${run}s?`)
        shipments.push(`${orderId}-${sellerId ?? ''}`)
        return { ...post('shipping', '/shipments', { orderId, sellerId }), ofOrder: orderId }
      }
      case 'ship':
        return post('shipping', `/shipments/${encoded(wellFormed(pick(shipments, a, 'none')))}/ship`, {
          shippedAt: instant(0),
        })
      case 'deliver':
        return post('shipping', `/shipments/${encoded(wellFormed(pick(shipments, a, 'none')))}/deliver`, {
          deliveredAt: instant(1),
        })
      case 'review': {
        const orderId = pick(orders, a, 'none')
        const reviewId = named('r')
        reviews.push([orderId, reviewId])
        const body = {
          orderId,
          reviewId,
          score: one.score,
          title: text(0, 'good'),
          comment: text(1, 'as said'),
          createdAt: instant(0),
        }
        return { ...post('reviews', '/reviews', body), ofOrder: orderId }
      }
      case 'answer': {
        const [orderId, reviewId] = pick(reviews, a, ['none', 'none'])
        return post('reviews', `/reviews/${safe(orderId)}/${safe(reviewId)}/answer`, { answeredAt: instant(1) })
      }
      case 'withdraw': {
        const [orderId, reviewId] = pick(reviews, a, ['none', 'none'])
        return { service: 'reviews', method: 'DELETE', path: `/reviews/${safe(orderId)}/${safe(reviewId)}` }
      }
    }
  }
  return [...plainBeginning, ...all].map(commandOf)
}

function post(service: string, path: string, body: unknown): Command {
  return { service, method: 'POST', path, body }
}

/** A path can't hold half a surrogate pair: nobody could ask for such an id. */
function safe(id: string): string {
  return encodeURIComponent(wellFormed(id))
}

function wellFormed(text: string): string {
  return text.toWellFormed()
}
