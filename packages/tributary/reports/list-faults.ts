import { type Checked, conditionFaults, formatFaults, isTerm, isTime, known, modelThere } from './checks.ts'
import { isNumeric } from './fields.ts'
import { OWN_PARAMETERS } from './parameters.ts'
import type { DocumentList, Filter, Report } from './report.ts'

/** A parameter's name in addresses. */
const NAME = /^[a-z][A-Za-z0-9]{0,39}$/

/**
 * What is wrong with a report's filters.
 * @param taken parameters of the page that show documents
 */
export function filterFaults(checked: Checked, report: Report, place: string, taken: ReadonlySet<string>): void {
  const filters = report.filters ?? []
  const { faults } = checked
  for (const [at, filter] of filters.entries()) {
    const where = `${place}.filters[${at}] (${filter.name})`
    const { name, kind } = filter
    if (!NAME.test(name)) faults.push(`${where}: a name has at most 40 letters and digits, the first a small letter`)
    if (filters.findIndex((other) => other.name === name) !== at)
      faults.push(`${where}: there is another one of this name`)
    if (OWN_PARAMETERS.includes(name) || taken.has(name)) faults.push(`${where}: the page has a parameter of this name`)
    if (kind === 'time' && filters.findIndex((other) => other.kind === kind) !== at) {
      faults.push(`${where}: the report has a filter by time already`)
    }
    fieldFaults(checked, filter, where)
  }
}

function fieldFaults(checked: Checked, filter: Filter, place: string): void {
  const { faults } = checked
  if (filter.kind === 'check') {
    for (const [readModel, condition] of Object.entries(filter.where)) {
      modelThere(checked, readModel, `${place}.where`)
      conditionFaults(checked, readModel, condition, `${place}.where.${readModel}`)
    }
    return
  }
  const kinds = new Set<string>()
  for (const [readModel, at] of Object.entries(filter.fields)) {
    const where = `${place}.fields.${readModel}`
    modelThere(checked, readModel, `${place}.fields`)
    const path = typeof at === 'string' ? at : at.field
    const field = known(checked, readModel, path, where)
    if (!field) continue
    if (!(filter.kind === 'time' ? isTime(field) : isTerm(field))) {
      const wanted = filter.kind === 'time' ? 'moment or day' : 'text, number or boolean'
      faults.push(`${where}: "${path}" is no ${wanted}`)
    }
    kinds.add(isNumeric(field.kind) ? 'number' : field.kind)
  }
  if (filter.kind === 'time') return
  if (kinds.size > 1) faults.push(`${place}.fields: these are of several types, no value could be compared with all`)
  if (filter.kind !== 'choice' || !('of' in filter.choices)) return
  const { of, most } = filter.choices
  if (filter.fields[of] === undefined) faults.push(`${place}.choices: "fields" says no field of "${of}"`)
  if (!(Number.isInteger(most) && most >= 1 && most <= 1_000)) faults.push(`${place}.choices.most: is 1 to 1,000`)
}

/** What is wrong with the documents behind a report. */
export function listFaults(checked: Checked, list: DocumentList, place: string): void {
  const { faults } = checked
  const { readModel, columns, csv = [], sorts, key, search, only = [] } = list
  modelThere(checked, readModel, `${place}.readModel`)
  if (!checked.readModels.has(readModel)) return
  const one = (field: string, where: string) => {
    const found = known(checked, readModel, field, where)
    if (found?.nested || found?.kind === 'record') faults.push(`${where}: "${field}" is no single value of a document`)
    return found
  }
  if (columns.length === 0) faults.push(`${place}.columns: there is none`)
  for (const [at, column] of columns.entries()) {
    for (const { field, format } of [column, ...(column.also ?? [])]) {
      one(field, `${place}.columns[${at}]`)
      formatFaults(checked, format, `${place}.columns[${at}].format`)
    }
  }
  for (const [at, { field, format }] of csv.entries()) {
    one(field, `${place}.csv[${at}]`)
    formatFaults(checked, format, `${place}.csv[${at}].format`)
  }
  if (sorts.length === 0) faults.push(`${place}.sorts: there is none`)
  for (const [at, { id, field }] of sorts.entries()) {
    if (sorts.findIndex((sort) => sort.id === id) !== at) faults.push(`${place}.sorts[${at}]: there is another "${id}"`)
    const found = one(field, `${place}.sorts[${at}]`)
    if (found?.list || found?.kind === 'boolean') faults.push(`${place}.sorts[${at}]: nothing is ordered by "${field}"`)
  }
  if (key.length === 0) faults.push(`${place}.key: there is no field to tell documents apart`)
  for (const field of key) one(field, `${place}.key`)
  for (const [at, condition] of only.entries()) conditionFaults(checked, readModel, condition, `${place}.only[${at}]`)
  if (search) searchFaults(checked, list, search, `${place}.search`)
}

type Search = NonNullable<DocumentList['search']>

function searchFaults(checked: Checked, { readModel }: DocumentList, search: Search, place: string): void {
  const { faults, readModels } = checked
  for (const field of [...search.fields, ...(search.exact ?? [])]) {
    const found = known(checked, readModel, field, place)
    if (found && found.kind !== 'string' && found.kind !== 'int' && found.kind !== 'long') {
      faults.push(`${place}: "${field}" is no text and no whole number: words can't be looked up in it`)
    }
  }
  const { hints } = readModels.get(readModel)!
  for (const field of search.texts ?? []) {
    const at = field.lastIndexOf('.')
    const sub = hints[field.slice(0, Math.max(0, at))]?.fields as
      | Readonly<Record<string, { type?: string }>>
      | undefined
    const mapped = hints[field] ?? sub?.[field.slice(at + 1)]
    if (mapped?.type !== 'text') faults.push(`${place}.texts: no hint of "${readModel}" maps "${field}" as text`)
  }
}
