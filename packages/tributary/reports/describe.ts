import type { ReadModel } from '#read-models/read-model'
import type { DocumentList, DocumentView, Filter, Report, Shown, Writing } from './report.ts'
import { compileView, formatOf } from './view.ts'

/** What the page's server is told: the reports, what they are made of, and how figures are written. */
export interface Reporting extends Writing {
  readonly reports: readonly Report[]
  /** How documents are shown; those of other read models are shown by their schema. */
  readonly documents: readonly DocumentView[]
  readonly readModels: readonly ReadModel[]
}

/** Everything the page has to know before it asks for figures, as JSON. */
export function describePage({ title, language, timeZone, currency, reports, documents, readModels }: Reporting) {
  const models = new Map(readModels.map((model) => [model.name, model]))
  return {
    title,
    language,
    timeZone,
    currency,
    reports: reports.map(({ id, title, filters = [], list }) => ({
      id,
      title,
      filters: filters.map(describeFilter),
      list: list && describeList(list, models.get(list.readModel)!),
    })),
    documents: readModels.map((model) => compileView(model, viewOf(documents, model.name))),
  }
}

const viewOf = (documents: readonly DocumentView[], name: string) =>
  documents.find(({ readModel }) => readModel === name)

function describeFilter(filter: Filter) {
  const { name, label, kind } = filter
  return kind === 'choice'
    ? { name, label, kind, all: filter.all ?? 'All', format: filter.format }
    : { name, label, kind }
}

function describeList({ title, readModel, columns, sorts, search, none }: DocumentList, model: ReadModel) {
  const written = <T extends Shown>(shown: T) => ({ ...shown, format: shown.format ?? formatOf(model, shown.field) })
  return {
    title,
    readModel,
    columns: columns.map((column) => ({ ...written(column), also: column.also?.map(written) })),
    sorts: sorts.map(({ id, label, back, next }) => ({ id, label, back, next })),
    search: search && { placeholder: search.placeholder },
    none: none ?? 'No document fits. Try fewer words or clear the filters.',
  }
}
