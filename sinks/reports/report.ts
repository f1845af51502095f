import type { ReadModelName } from '#schemas/topics.ts'

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
  readonly readModel: ReadModelName
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
export type Filters = { readonly [Name in FilterName]?: string }

/** The field a filter means in each read model; a read model that has none ignores the filter. */
export const filterFields: Readonly<
  Record<ReadModelName, { readonly time?: string; readonly state?: string; readonly category?: Split; status?: string }>
> = {
  orders: {
    time: 'purchasedAt',
    state: 'customer.state',
    category: { kind: 'terms', field: 'items.category', nested: 'items' },
    status: 'status',
  },
  sales: { time: 'day', state: 'state', category: { kind: 'terms', field: 'category' } },
  customers: { time: 'lastOrderAt', state: 'states' },
  sellers: { state: 'state' },
}
