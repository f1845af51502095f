import type { estypes } from '@elastic/elasticsearch'
import type { ReadModel } from '#read-models/read-model'
import { fieldAt } from './fields.ts'
import type { Condition, Filter, FilterValues } from './report.ts'

/** A query that is there: the client's own type also allows for undefined. */
export type Query = NonNullable<estypes.QueryDslQueryContainer>

/** What the queries of a report are made from. */
export interface Scope {
  readonly filters: readonly Filter[]
  /** By name. */
  readonly readModels: ReadonlyMap<string, ReadModel>
  readonly timeZone: string
}

/** The query that lets through what the filters ask for; `unusedFilters` says which have no field in the read model. */
export function filterQuery(scope: Scope, readModel: string, values: FilterValues, more: readonly Query[] = []): Query {
  const asked = scope.filters.flatMap((filter) => queryOf(scope, filter, readModel, values) ?? [])
  return { bool: { filter: [...more, ...asked] } }
}

function queryOf(scope: Scope, filter: Filter, readModel: string, values: FilterValues): Query | undefined {
  const model = scope.readModels.get(readModel)!
  if (filter.kind === 'time') {
    const field = filter.fields[readModel]
    return field === undefined ? undefined : periodQuery(scope, model, field, values)
  }
  const value = values[filter.name]
  if (value === undefined) return undefined
  if (filter.kind === 'check') {
    const condition = filter.where[readModel]
    return condition && conditionQuery(model, condition)
  }
  const at = filter.fields[readModel]
  if (at === undefined) return undefined
  const field = typeof at === 'string' ? at : at.field
  const is = within(model, field, { term: { [field]: value } })
  if (typeof at === 'string' || value !== at.absent) return is
  return { bool: { should: [is, { bool: { must_not: within(model, field, { exists: { field } }) } }] } }
}

/** The days of a period, the last one as a whole. */
function periodQuery(scope: Scope, model: ReadModel, field: string, values: FilterValues): Query | undefined {
  const { from, to } = values.day ? { from: values.day, to: values.day } : values
  if (!from && !to) return undefined
  const zone = zoneOf(scope, model.name, field)
  return within(model, field, {
    range: {
      [field]: {
        ...(from && { gte: from }),
        // `||/d` takes in the whole of the last day.
        ...(to && { lte: `${to}||/d` }),
        ...(zone !== 'UTC' && { time_zone: zone }),
      },
    },
  })
}

/** The time zone in which a field's days begin: that of the system for moments; calendar days are the same everywhere. */
export function zoneOf({ readModels, timeZone }: Scope, readModel: string, field: string): string {
  return fieldAt(readModels.get(readModel)!, field)?.kind === 'instant' ? timeZone : 'UTC'
}

/** A condition as a query. */
export function conditionQuery(model: ReadModel, condition: Condition): Query {
  const { field } = condition
  if ('is' in condition) return within(model, field, { term: { [field]: condition.is } })
  if ('atLeast' in condition) return within(model, field, { range: { [field]: { gte: condition.atLeast } } })
  if ('not' in condition) return { bool: { must_not: within(model, field, { term: { [field]: condition.not } }) } }
  return within(model, field, { exists: { field } })
}

/** A query on a field that may lie in a list of records: one of them has to fit. */
export function within(model: ReadModel, field: string, query: Query): Query {
  const nested = fieldAt(model, field)?.nested
  return nested === undefined ? query : { nested: { path: nested, query } }
}

/** What of the filters can't narrow a read model, in a reader's words: its figures are of everything. */
export function unusedFilters(filters: readonly Filter[], readModel: string, values: FilterValues): readonly string[] {
  return filters.flatMap((filter) => {
    const set = filter.kind === 'time' ? (values.from ?? values.to ?? values.day) : values[filter.name]
    const used = filter.kind === 'check' ? filter.where[readModel] : filter.fields[readModel]
    return set !== undefined && used === undefined ? [filter.words ?? filter.label] : []
  })
}
