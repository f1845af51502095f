import { type Checked, formatFaults, known, modelThere } from './checks.ts'
import { OWN_PARAMETERS } from './parameters.ts'
import type { DocumentView } from './report.ts'

/** What is wrong with how documents are shown; gives the parameters of the page that show one. */
export function viewFaults(checked: Checked, views: readonly DocumentView[]): ReadonlySet<string> {
  const { faults, readModels } = checked
  const parameterOf = (name: string) => views.find(({ readModel }) => readModel === name)?.parameter ?? name
  const parameters = [...readModels.keys()].map(parameterOf)
  for (const [at, view] of views.entries()) {
    const place = `documents[${at}] (${view.readModel})`
    if (views.findIndex(({ readModel }) => readModel === view.readModel) !== at) {
      faults.push(`${place}: there is another one of this read model`)
    }
    modelThere(checked, view.readModel, place)
    fieldFaults(checked, view, place)
  }
  for (const name of readModels.keys()) {
    const parameter = parameterOf(name)
    if (!OWN_PARAMETERS.includes(parameter) && parameters.filter((other) => other === parameter).length === 1) continue
    faults.push(`documents (${name}).parameter: the page has another parameter "${parameter}"; say one of its own`)
  }
  return new Set(parameters)
}

function fieldFaults(checked: Checked, view: DocumentView, place: string): void {
  const { readModel, fields = {}, badges = [], steps, sections = [] } = view
  for (const [path, { format, link, columns = [] }] of Object.entries(fields)) {
    known(checked, readModel, path, `${place}.fields`)
    for (const name of columns) known(checked, readModel, `${path}.${name}`, `${place}.fields.${path}.columns`)
    formatFaults(checked, format, `${place}.fields.${path}.format`)
    if (link !== undefined) modelThere(checked, link, `${place}.fields.${path}.link`)
  }
  const apart = [
    ...badges.map(({ field }, at) => [`badges[${at}]`, field] as const),
    ...(steps?.fields ?? []).map((field) => ['steps', field] as const),
    ...sections.flatMap((section, at) => section.fields.map((field) => [`sections[${at}]`, field] as const)),
  ]
  for (const [at, field] of apart) {
    const found = known(checked, readModel, field, `${place}.${at}`)
    if (found?.nested || found?.kind === 'record') {
      checked.faults.push(`${place}.${at}: "${field}" is no single value of a document`)
    }
    if (found && at === 'steps' && found.kind !== 'instant')
      checked.faults.push(`${place}.steps: "${field}" is no moment`)
  }
  for (const [at, { format }] of badges.entries()) formatFaults(checked, format, `${place}.badges[${at}].format`)
}
