import { createHash } from 'node:crypto'
import { type Field, fieldsOf, type Shape } from './avro.ts'
import type { FieldMapping, ReadModel } from './read-model.ts'

/** The name of the field that only delete markers have; the alias hides documents with it. */
export const DELETED = 'deleted'

/**
 * Characters (UTF-16) of a text that is found by its value. Lucene takes terms up to 32,766 bytes and a character has up
 * to three; a document with a longer text would be refused as a whole: so it has the text, and isn't found by it.
 */
const LONGEST_TERM = 10_922
/** Of items and the like in one document. A row of 1 MiB can't have more, at ten bytes for the smallest. */
const MOST_OBJECTS = 200_000

/** An index body: its settings and its mappings, without `_meta`. */
export interface IndexDefinition {
  readonly settings: Readonly<Record<string, unknown>>
  readonly mappings: { readonly dynamic: 'strict'; readonly properties: Readonly<Record<string, FieldMapping>> }
}

/** The index a read model's documents go into. Strict: a field that isn't in the row's schema is refused. */
export function compileIndex(model: ReadModel): IndexDefinition {
  const hinted = new Set<string>()
  const properties = propertiesOf(fieldsOf(model.topic.row.schema), '', model.hints, hinted)
  const unused = Object.keys(model.hints).filter((path) => !hinted.has(path))
  if (unused.length > 0)
    throw new TypeError(`read model "${model.name}" hints at fields its row doesn't have: ${unused}`)
  return {
    settings: {
      number_of_shards: 1,
      number_of_replicas: 0,
      // The sink refreshes by itself; this is for what it wrote right before it was killed.
      refresh_interval: '5s',
      // Refreshed many times a second, small segments come and go: unmapping a file stops every thread of the server for
      // a moment (measured on two busy cores: the way to search took 1.4 s instead of 2.4), closing one doesn't.
      'index.store.type': 'niofs',
      // By default segments up to 2 MB count as equally small, so that each new one of a few kilobytes has megabytes
      // merged with it: at 15 refreshes a second that took a fifth of a core, with this a twentieth.
      'index.merge.policy.floor_segment': '64kb',
      // A refresh writes a few files for every segment in which it supersedes a document: fewer segments make its slowest
      // ones faster (p99 of the way to search a fifth lower than with the default of 8, for 3 % of a core of merging).
      'index.merge.policy.segments_per_tier': 4,
      'index.mapping.nested_objects.limit': MOST_OBJECTS,
      'index.mapping.array_objects.limit': MOST_OBJECTS,
    },
    mappings: { dynamic: 'strict', properties: { ...properties, [DELETED]: { type: 'boolean' } } },
  }
}

/** Changes when the documents or how they are indexed change: then the index is built anew. */
export function definitionHash(model: ReadModel): string {
  const definition = JSON.stringify([compileIndex(model), fieldsOf(model.topic.row.schema)])
  return createHash('sha256').update(definition).digest('hex').slice(0, 16)
}

function propertiesOf(
  fields: readonly Field[],
  prefix: string,
  hints: ReadModel['hints'],
  hinted: Set<string>,
): Record<string, FieldMapping> {
  return Object.fromEntries(
    fields.map((field) => {
      const path = prefix + field.name
      if (hints[path]) hinted.add(path)
      return [field.name, withHint(mappingOf(field.shape, path, hints, hinted), hints[path])]
    }),
  )
}

/** A hint of the same type adds to what a field of that shape has anyway, its bounds above all. */
function withHint(mapping: FieldMapping, hint: FieldMapping | undefined): FieldMapping {
  return hint && hint.type === mapping.type ? { ...mapping, ...hint } : (hint ?? mapping)
}

function mappingOf(shape: Shape, path: string, hints: ReadModel['hints'], hinted: Set<string>): FieldMapping {
  switch (shape.kind) {
    case 'string':
      return { type: 'keyword', ignore_above: LONGEST_TERM }
    case 'int':
      return { type: 'integer' }
    case 'instant':
      return { type: 'date' }
    case 'boolean':
    case 'long':
    case 'double':
      return { type: shape.kind }
    case 'record':
      return { dynamic: 'strict', properties: propertiesOf(shape.fields, `${path}.`, hints, hinted) }
    case 'array': {
      const item = mappingOf(shape.of, path, hints, hinted)
      return shape.of.kind === 'record' ? { type: 'nested', ...item } : item
    }
  }
}
