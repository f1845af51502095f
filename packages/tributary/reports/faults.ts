import { type Checked, conditionFaults, formatFaults, isCurrency, isTerm, isTime, known, modelThere } from './checks.ts'
import type { Reporting } from './describe.ts'
import { isNumeric } from './fields.ts'
import { filterFaults, listFaults } from './list-faults.ts'
import type { Panel, Report } from './report.ts'
import { viewFaults } from './view-faults.ts'

/** What is wrong with the definition of a report page, each with its place. */
export function reportFaults(reporting: Omit<Reporting, 'title'>): string[] {
  const { reports, documents, language, timeZone, currency } = reporting
  const readModels = new Map(reporting.readModels.map((model) => [model.name, model]))
  const faults: string[] = []
  const checked: Checked = { readModels, faults, currency }
  if (!works(() => new Intl.NumberFormat(language))) {
    faults.push(`language: "${language}" is not a BCP 47 tag like "en" or "pt-BR"`)
  }
  if (!works(() => new Intl.DateTimeFormat('en', { timeZone }))) {
    faults.push(`timeZone: "${timeZone}" is not a time zone like "UTC" or "America/Sao_Paulo"`)
  }
  if (currency !== undefined && !isCurrency(currency)) {
    faults.push(`currency: "${currency}" is not an ISO 4217 code like "EUR"`)
  }
  const parameters = viewFaults(checked, documents)
  for (const [at, report] of reports.entries()) {
    const place = `reports[${at}] (${report.id})`
    if (reports.findIndex(({ id }) => id === report.id) !== at) faults.push(`${place}: there is another one of this id`)
    filterFaults(checked, report, place, parameters)
    for (const [at, panel] of report.panels.entries()) {
      panelFaults(checked, report, panel, at, `${place}.panels[${at}] (${panel.id})`)
    }
    if (report.list) listFaults(checked, report.list, `${place}.list`)
  }
  return faults
}

function panelFaults(checked: Checked, report: Report, panel: Panel, at: number, place: string): void {
  const { faults } = checked
  const { id, readModel, measure, by, only = [], drill } = panel
  if (report.panels.findIndex((other) => other.id === id) !== at)
    faults.push(`${place}: there is another one of this id`)
  modelThere(checked, readModel, `${place}.readModel`)
  formatFaults(checked, panel.format, `${place}.format`)
  for (const [n, condition] of only.entries()) conditionFaults(checked, readModel, condition, `${place}.only[${n}]`)
  const split = by && known(checked, readModel, by.field, `${place}.by`)
  if (split && by.kind === 'time' && (!isTime(split) || split.nested)) {
    faults.push(`${place}.by: "${by.field}" is no moment or day of a document: bars over time need one`)
  }
  if (split && by.kind === 'terms' && !isTerm(split)) {
    faults.push(`${place}.by: "${by.field}" is no text, number or boolean: there are no terms to name bars by`)
  }
  const summed = fieldsOf(measure)
  for (const field of summed) {
    const found = known(checked, readModel, field, `${place}.measure`)
    if (found && !isNumeric(found.kind)) faults.push(`${place}.measure: "${field}" holds no numbers`)
    if (found && found.nested !== split?.nested) faults.push(`${place}.measure: ${elsewhere(field)}`)
  }
  if (summed.length === 0 && split?.nested) {
    faults.push(
      `${place}.by: "${by!.field}" is of a list of records: only sums, averages and ratios can be split by it`,
    )
  }
  if (measure.kind === 'share') {
    conditionFaults(checked, readModel, measure.where, `${place}.measure.where`)
    if (measure.of) conditionFaults(checked, readModel, measure.of, `${place}.measure.of`)
  }
  if (drill === undefined) return
  const filter = report.filters?.find(({ name }) => name === drill)
  if (!filter) faults.push(`${place}.drill: the report has no filter "${drill}"`)
  else if ((filter.kind === 'time') !== (by?.kind === 'time') || filter.kind === 'check') {
    faults.push(`${place}.drill: bars can't set the filter "${drill}": it is of another kind`)
  }
}

/** The fields whose numbers a measure adds up. */
function fieldsOf(measure: Panel['measure']): readonly string[] {
  if (measure.kind === 'ratio') return [measure.sum, measure.over]
  return measure.kind === 'sum' || measure.kind === 'average' ? [measure.field] : []
}

const elsewhere = (field: string) =>
  `"${field}" and what the panel is split by have to lie in the same list of records, or in none`

function works(make: () => unknown): boolean {
  try {
    make()
    return true
  } catch {
    return false
  }
}
