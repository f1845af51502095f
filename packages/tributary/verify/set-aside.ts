import type { Document } from '#read-models/document'
import type { OpenLetter } from '#runtime/dead-letters/letter'
import type { Difference } from './compare.ts'
import type { Verification } from './definition.ts'

/** A difference that an open dead letter explains: its record, or one it hangs on, waits for somebody. */
export interface SetAside {
  readonly difference: Difference
  readonly letter: { readonly id: string; readonly app: string; readonly reason: string; readonly at: string }
}

/** A document that a letter is about, as the services' rows and, where it differs, the index have it. */
export interface Affected {
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
  affected: ReadonlyMap<string, Affected>,
  counted: Verification['counted'],
): OpenLetter | undefined {
  const { key, expected, found } = difference
  const sides = [expected, found].filter((side) => side !== undefined)
  const own = readModel === counted?.readModel ? affected.get(key) : undefined
  if (own) return own.letter
  const named = new Set([key, ...sides.flatMap(textsIn)])
  const itself = letters.find((letter) => idsIn(letter.key).some((id) => id !== '' && named.has(id)))
  if (itself) return itself
  const through = [...affected.values()].find(({ documents }) =>
    documents.some((document) => sides.some((side) => counted?.into(readModel, document, side))),
  )
  return through?.letter
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}
