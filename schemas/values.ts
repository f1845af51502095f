import { integer, text } from 'tributary/service'
import { z } from 'zod'

export { instant, list, ms, msOrNull } from 'tributary/service'

/** What a request's values must be, by the rules in rules.json. */

export const orderId = text('id', { of: 'order' })
export const customerId = text('id', { of: 'customer' })
/** Of a person, who may have many customer ids. */
export const uniqueId = text('id', { of: 'person' })
export const productId = text('id', { of: 'product' })
export const sellerId = text('id', { of: 'seller' })
export const reviewId = text('id', { of: 'review' })
export const shipmentId = text('shipmentId', { of: 'shipment' })
export const zip = text('zip')
export const name = text('name')
export const state = text('state')
export const category = text('category')
export const title = text('title')
export const comment = text('comment')
export const cents = integer('cents')
export const count = integer('count')
export const itemNo = integer('itemNo')
export const sequence = integer('sequence')
export const score = integer('score')
/** A payment's number as a part of a path. */
export const sequenceText = z.string().regex(/^(0|[1-9]\d{0,8})$/, 'must be a whole number')
