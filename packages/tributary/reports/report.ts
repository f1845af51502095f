/** How a figure is written. */
export type Format = 'money' | 'count' | 'share' | 'score' | 'days'

/** A condition on a document's field. */
export type Condition =
  | { readonly field: string; readonly is: string | number | boolean }
  | { readonly field: string; readonly atLeast: number }
  | { readonly field: string; readonly not: string | number }
  | { readonly field: string; readonly known: true }

/** What a panel shows of its documents. `shareOf` is the part of the documents that are `of` which are also `where`. */
export type Measure =
  | { readonly kind: 'documents' }
  | { readonly kind: 'sum' | 'average'; readonly field: string }
  | { readonly kind: 'share'; readonly where: Condition; readonly of?: Condition }

/** What a panel splits its documents by. */
export type Split =
  | { readonly kind: 'time'; readonly field: string }
  | { readonly kind: 'terms'; readonly field: string; readonly nested?: string; readonly size?: number }

/** One figure, or one chart. */
export interface Panel {
  readonly id: string
  readonly title: string
  readonly readModel: string
  readonly measure: Measure
  readonly format: Format
  /** Without: a single number. */
  readonly by?: Split
  /** Only documents that fulfil all of these count. */
  readonly only?: readonly Condition[]
  /** Which filter of the page a bar sets when it is chosen. */
  readonly drill?: FilterName
  /** What a reader should know to read the figure rightly. */
  readonly note?: string
}

/** A page of panels; everything shown and exported comes from this. */
export interface Report {
  readonly id: string
  readonly title: string
  readonly panels: readonly Panel[]
}

/** What a reader can narrow a report by. */
export type FilterName = 'from' | 'to' | 'day' | 'state' | 'category' | 'status' | 'differs'
export type Filters = { readonly [Name in FilterName]?: string | undefined }

/** What filters mean in a read model: fields of it. */
interface FilterFields {
  readonly time?: string
  readonly state?: string
  readonly category?: Split
  readonly status?: string
  /** Not 0 where the two differ. */
  readonly differs?: string
}

/** The field a filter means in each read model; a read model that has none can't be narrowed by it. */
export const filterFields: Readonly<Record<string, FilterFields>> = {
  orders: {
    time: 'purchasedAt',
    state: 'customer.state',
    category: { kind: 'terms', field: 'items.category', nested: 'items' },
    status: 'status',
    differs: 'balanceCents',
  },
  sales: { time: 'day', state: 'state', category: { kind: 'terms', field: 'category' } },
  customers: { time: 'lastOrderAt', state: 'states' },
  sellers: { state: 'state' },
}

/** What filters mean in a read model. */
export const filterFieldsOf = (readModel: string): FilterFields => filterFields[readModel] ?? {}

/** Where a customer isn't known, sales are of this state; the order itself has none. */
export const UNKNOWN_STATE = 'unknown'

/** What of the filters can't narrow a read model, in a reader's words: its figures are of everything. */
export function unusedFilters(readModel: string, filters: Filters): readonly string[] {
  const fields = filterFieldsOf(readModel)
  const unused: string[] = []
  if (!fields.time && (filters.from || filters.to || filters.day)) unused.push('period')
  if (!fields.state && filters.state) unused.push('state')
  if (!fields.category && filters.category) unused.push('category')
  if (!fields.status && filters.status) unused.push('status')
  if (!fields.differs && filters.differs) unused.push('paid ≠ charged')
  return unused
}
