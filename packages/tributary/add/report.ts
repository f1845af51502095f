import type { Changes } from './changes.ts'
import { isInstant, isSingle, presentType } from './fields.ts'
import { checkName, pascal } from './names.ts'
import { addTo, findPlace, objectsIn, type Place } from './places.ts'
import { Refused } from './refused.ts'
import { findRecord } from './schemas.ts'
import { property, textOf } from './syntax.ts'
import { declaredTopics } from './topics.ts'

/**
 * A report of one read model: how many there are, when, and of which kind. Throws `Refused`.
 * @returns what to do next
 */
export function addReport(changes: Changes, name: string, { of }: { readonly of: string }): string[] {
  checkName('report', name)
  const { rows } = declaredTopics(changes)
  const topic = rows.find(({ readModel }) => readModel === of)
  if (!topic) {
    const names = rows.map(({ readModel }) => readModel).join(', ') || 'none'
    throw new Refused(`there is no read model "${of}"; there are: ${names}`)
  }
  const fields = findRecord(changes, topic.row)?.schema.fields ?? []
  const panels = [panel(name, pascal(name), of)]
  const time = fields.find(({ type }) => isInstant(type))
  if (time) panels.push(panel('by-day', 'By day', of, `{ kind: 'time', field: '${time.name}' }`))
  // The first text is what a row is called by: each has another one.
  const texts = fields.filter(({ type }) => isSingle(type) && presentType(type) === 'string')
  const kind = texts.find(({ name }, at) => at > 0 && !name.endsWith('Id'))
  if (kind) {
    const by = `{ kind: 'terms', field: '${kind.name}', size: 10 }`
    panels.push(panel(`by-${kind.name.toLowerCase()}`, `By ${kind.name}`, of, by))
  }

  const path = `sinks/reports/${name}.ts`
  const place = findPlace(changes, 'reports')
  const constant = `${name}Report`
  if (place && reportIds(changes, place).includes(name)) throw new Refused(`there is a report "${name}" already`)
  changes.create(path, reportText(constant, name, panels))
  addTo(changes, ['reports'], constant, [
    [constant, place?.path.startsWith('sinks/reports/') ? `./${name}.ts` : `#${path}`],
  ])
  return [
    `${path}: figures, filters, a list (docs/reference/reports.md)`,
    'make up: the page has the report as its last tab',
  ]
}

const reportIds = (changes: Changes, place: Place): string[] =>
  objectsIn(changes, place).flatMap((report) => textOf(property(report, 'id')) ?? [])

const panel = (id: string, title: string, readModel: string, by?: string) =>
  [
    '    {',
    `      id: '${id}',`,
    `      title: '${title}',`,
    `      readModel: '${readModel}',`,
    "      measure: { kind: 'documents' },",
    "      format: 'number',",
    ...(by ? [`      by: ${by},`] : []),
    '    },',
  ].join('\n')

const reportText = (constant: string, id: string, panels: readonly string[]) => `\
import type { Report } from 'tributary/reports'

export const ${constant}: Report = {
  id: '${id}',
  title: '${pascal(id)}',
  panels: [
${panels.join('\n')}
  ],
}
`
