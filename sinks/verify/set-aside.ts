import type { OpenLetter } from '#runtime/dead-letters/letter.ts'
import type { Document } from '#sinks/read-models/document.ts'
import type { Difference } from './compare.ts'

/** A difference that an open dead letter explains: its record, or one it hangs on, waits for somebody. */
export interface SetAside {
  readonly difference: Difference
  readonly letter: { readonly id: string; readonly app: string; readonly reason: string; readonly at: string }
}

/** An order that a letter is about, as the services' rows and, where it differs, the index have it. */
export interface AffectedOrder {
  readonly documents: readonly Document[]
  readonly letter: OpenLetter
}

/**
 * What of a letter's key may be the id of a thing: all of it, what stands before a separator of a composed key
 * (`order/1`, `order-seller`), and what follows the kind it begins with (`product/p1`).
 */
export function idsIn(key: OpenLetter['key']): readonly string[] {
  const text = key?.toString() ?? ''
  const cuts = [...text.matchAll(/[/|-]/g)].map(({ index }) => index)
  return [text, ...cuts.map((at) => text.slice(0, at)), ...cuts.slice(0, 1).map((at) => text.slice(at + 1))]
}

/** The letter that explains a document's difference, or undefined: it is about the document or something in it. */
export function letterFor(
  readModel: string,
  difference: Difference,
  letters: readonly OpenLetter[],
  affected: ReadonlyMap<string, AffectedOrder>,
): OpenLetter | undefined {
  const { key, expected, found } = difference
  const sides = [expected, found].filter((side) => side !== undefined)
  if (readModel === 'orders' && affected.has(key)) return affected.get(key)!.letter
  const named = new Set([key, ...sides.flatMap(textsIn)])
  const own = letters.find((letter) => idsIn(letter.key).some((id) => id !== '' && named.has(id)))
  if (own) return own
  const counted = [...affected.values()].find(({ documents }) =>
    documents.some((order) => sides.some((side) => partOf(readModel, order, side))),
  )
  return counted?.letter
}

/** Whether an order counts into a document of another read model. */
function partOf(readModel: string, order: Document, document: Document): boolean {
  const items = (order.items ?? []) as readonly Document[]
  const customer = (order.customer ?? {}) as Document
  switch (readModel) {
    case 'orders':
      return order.orderId === document.orderId
    case 'sales':
      return (
        String(order.purchasedAt ?? '').startsWith(String(document.day)) &&
        (customer.state ?? 'unknown') === document.state &&
        items.some((item) => item.category === document.category)
      )
    case 'customers':
      return customer.uniqueId === document.uniqueId
    case 'sellers':
      return items.some((item) => item.sellerId === document.sellerId)
    default:
      return false
  }
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}
