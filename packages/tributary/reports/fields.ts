import { fieldsOf, type Shape } from '#read-models/avro'
import type { Document } from '#read-models/document'
import type { ReadModel } from '#read-models/read-model'

/** What a field holds. A `day` is a text that the index reads as a date: a calendar day, the same in every time zone. */
export type Kind = Exclude<Shape['kind'], 'array'> | 'day'

/** A field of a read model's documents. */
export interface FieldAt {
  readonly kind: Kind
  /** It is a list of such values. */
  readonly list: boolean
  /** The path of the list of records that it lies in. */
  readonly nested?: string
}

/** The field at a path (`items.price`), or undefined where there is none. */
export function fieldAt(model: ReadModel, path: string): FieldAt | undefined {
  const names = path.split('.')
  let fields = fieldsOf(model.topic.row.schema)
  let nested: string | undefined
  for (const [at, name] of names.entries()) {
    const found = fields.find((field) => field.name === name)
    if (!found) return undefined
    const list = found.shape.kind === 'array'
    const shape = found.shape.kind === 'array' ? found.shape.of : found.shape
    if (shape.kind === 'array') return undefined
    if (at === names.length - 1) {
      const kind = shape.kind === 'string' && model.hints[path]?.type === 'date' ? 'day' : shape.kind
      return { kind, list, ...(nested !== undefined && { nested }) }
    }
    if (shape.kind !== 'record') return undefined
    if (list) nested = names.slice(0, at + 1).join('.')
    fields = shape.fields
  }
  return undefined
}

/** Whether a kind of field holds numbers. */
export const isNumeric = (kind: Kind | undefined) => kind === 'int' || kind === 'long' || kind === 'double'

/** The value at a path of a document; undefined where it isn't known. */
export function valueAt(document: Document, path: string): unknown {
  let value: unknown = document
  for (const name of path.split('.')) value = (value as Document | undefined)?.[name]
  return value
}

/** A label for a field that has none: `items.pricePaid` is `Price paid`. */
export function labelOf(path: string): string {
  const words = path
    .slice(path.lastIndexOf('.') + 1)
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll('_', ' ')
    .toLowerCase()
  return words.charAt(0).toUpperCase() + words.slice(1)
}
