import { paces, readModel } from 'tributary/read-models'
import { OrderRows } from '#schemas/topics.ts'

/**
 * Items and payments are `nested`: as plain objects, "sum of priceCents where category is toys" would silently add the
 * other items of the same orders. Kibana's Lens offers no nested fields, so it can't show such a wrong figure; what is
 * asked per category or seller is in `sales` and `sellers`, what is asked per order is at the document's top.
 *
 * A city is found by each of its words: an index of words makes that cheap, however many cities there are.
 */
export const orders = readModel(OrderRows, {
  hints: {
    'customer.city': { type: 'keyword', fields: { words: { type: 'text', norms: false, index_options: 'docs' } } },
  },
  pace: paces.rows,
})
