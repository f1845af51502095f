import { type Field, fieldsOf, type Shape } from './avro.ts'

/** A document as it is indexed: plain JSON. */
export type Document = { [field: string]: unknown }

/**
 * Compiles a row's schema into the function that makes its document: instants become ISO 8601 in UTC
 * (`2018-08-07T10:00:00.000Z`), what is null is left out, everything else stays as it is, in the schema's order.
 * The function throws `RangeError` on an instant outside of what a date can be, and on a number that isn't finite.
 */
export function compileDocument(schema: unknown): (row: unknown) => Document {
  return recordWriter(fieldsOf(schema))
}

type Write = (value: unknown) => unknown

function recordWriter(fields: readonly Field[]): (row: unknown) => Document {
  const writers = fields.map((field) => [field.name, writer(field.shape)] as const)
  return (row) => {
    const document: Document = {}
    for (const [name, write] of writers) {
      const value = (row as Document)[name]
      if (value === null || value === undefined) continue
      document[name] = write ? write(value) : value
    }
    return document
  }
}

/** JSON would say `null` of what isn't a finite number, and the document would look as if it weren't known. */
function finite(value: unknown): unknown {
  if (!Number.isFinite(value)) throw new RangeError(`${value} is not a number that a document can hold`)
  return value
}

/** How a shape's value is written, or undefined when it is written as it is. */
function writer(shape: Shape): Write | undefined {
  switch (shape.kind) {
    case 'instant':
      return (value) => new Date(value as number).toISOString()
    case 'double':
      return finite
    case 'record':
      return recordWriter(shape.fields)
    case 'array': {
      const item = writer(shape.of)
      return item && ((value) => (value as readonly unknown[]).map(item))
    }
    default:
      return undefined
  }
}
