import { type Field, fieldsOf, type Shape } from '#read-models/avro'
import type { ReadModel } from '#read-models/read-model'
import { fieldAt, labelOf } from './fields.ts'
import type { DocumentView, FieldView, Format, Shown } from './report.ts'

/** A field as the page shows it; paths in a table are those within its records. */
export interface ShownField {
  readonly field: string
  readonly label: string
  readonly format: Format
  readonly link?: string
  readonly emphasis?: FieldView['emphasis']
}

/** How the page shows a read model's documents. */
export interface CompiledView {
  readonly readModel: string
  /** Its parameter in the page's address. */
  readonly parameter: string
  readonly badges: readonly (Shown & { readonly format: Format; readonly label?: string })[]
  readonly steps?: { readonly label: string; readonly moments: readonly (ShownField & { readonly planned: boolean })[] }
  readonly sections: readonly { readonly title: string; readonly fields: readonly ShownField[] }[]
  readonly tables: readonly {
    readonly field: string
    readonly label: string
    readonly none: string
    readonly columns: readonly ShownField[]
  }[]
}

/** How a field is written that nobody says more of. */
export function formatOf(model: ReadModel, path: string): Format {
  const kind = fieldAt(model, path)?.kind
  switch (kind) {
    case 'instant':
      return 'date'
    case 'day':
      return 'day'
    case 'boolean':
      return 'yes-no'
    case 'int':
    case 'long':
    case 'double':
      return 'number'
    default:
      return 'text'
  }
}

/**
 * How documents of a read model are shown: the fields that a definition sets apart, then all others in the order of the
 * schema, records as sections and lists of records as tables.
 */
export function compileView(model: ReadModel, view: DocumentView = { readModel: model.name }): CompiledView {
  const { badges = [], steps, sections = [], fields: said = {} } = view
  const apart = new Set([
    ...badges.map(({ field }) => field),
    ...(steps?.fields ?? []),
    ...sections.flatMap(({ fields }) => fields),
  ])
  const shown = (path: string, within = ''): ShownField => {
    const { label = labelOf(path), format = formatOf(model, path), link, emphasis } = said[path] ?? {}
    return { field: path.slice(within.length), label, format, ...(link && { link }), ...(emphasis && { emphasis }) }
  }
  const left = (path: string) => !apart.has(path) && !said[path]?.hidden
  const { scalars, records, lists } = partsOf(fieldsOf(model.topic.row.schema))
  const others = [
    { title: 'Fields', fields: scalars.filter(left) },
    ...records.map(({ path, fields }) => ({ title: said[path]?.label ?? labelOf(path), fields: fields.filter(left) })),
  ]
  return {
    readModel: model.name,
    parameter: view.parameter ?? model.name,
    badges: badges.map((badge) => ({ ...badge, format: badge.format ?? formatOf(model, badge.field) })),
    ...(steps && {
      steps: {
        label: steps.label,
        moments: steps.fields.map((path) => ({ ...shown(path), planned: steps.planned?.includes(path) ?? false })),
      },
    }),
    sections: [...sections, ...others]
      .filter(({ fields }) => fields.length > 0)
      .map(({ title, fields }) => ({ title, fields: fields.map((path) => shown(path)) })),
    tables: lists
      .filter(({ path }) => !said[path]?.hidden)
      .map(({ path, fields }) => ({
        field: path,
        label: said[path]?.label ?? labelOf(path),
        none: said[path]?.none ?? 'None.',
        columns: [...new Set([...(said[path]?.columns ?? []).map((name) => `${path}.${name}`), ...fields])]
          .filter((field) => !said[field]?.hidden)
          .map((field) => shown(field, `${path}.`)),
      })),
  }
}

interface Parts {
  /** Paths of single values and of lists of them. */
  readonly scalars: readonly string[]
  readonly records: readonly { readonly path: string; readonly fields: readonly string[] }[]
  readonly lists: readonly { readonly path: string; readonly fields: readonly string[] }[]
}

function partsOf(fields: readonly Field[]): Parts {
  const inner = (shape: Shape) => (shape.kind === 'array' ? shape.of : shape)
  return {
    scalars: fields.filter(({ shape }) => inner(shape).kind !== 'record').map(({ name }) => name),
    records: fields.flatMap(({ name, shape }) =>
      shape.kind === 'record' ? [{ path: name, fields: leavesOf(shape.fields, `${name}.`) }] : [],
    ),
    lists: listsOf(fields, ''),
  }
}

/** The lists of records, those in records too. */
function listsOf(fields: readonly Field[], prefix: string): Parts['lists'] {
  return fields.flatMap(({ name, shape }) => {
    const path = prefix + name
    if (shape.kind === 'record') return listsOf(shape.fields, `${path}.`)
    if (shape.kind !== 'array' || shape.of.kind !== 'record') return []
    return [{ path, fields: leavesOf(shape.of.fields, `${path}.`) }]
  })
}

/** The single values of a record, those of records in it too. */
function leavesOf(fields: readonly Field[], prefix: string): readonly string[] {
  return fields.flatMap(({ name, shape }) => {
    if (shape.kind === 'record') return leavesOf(shape.fields, `${prefix}${name}.`)
    return shape.kind === 'array' && shape.of.kind === 'record' ? [] : [prefix + name]
  })
}
