/**
 * What a project says of its report page: reports with their panels, what readers can narrow them by, the documents
 * behind the figures, and how one document is shown. docs/reference/reports.md has a whole example.
 */

export type Tone = 'good' | 'warn' | 'bad'

/**
 * How a value is written.
 * - `text` as it is; `id` the same, in a monospaced face; `words` with spaces for underscores
 * - `number`; `percent` of a share (0.25: 25 %); `money` in the currency's smallest unit (1234: 12.34)
 * - `date` of a moment, in the system's time zone; `day` of a calendar day; `yes-no` of a boolean
 * - `duration`: so many of its unit; `rating`: so many of `of` stars
 * - `badge`: a word that stands out, with a tone for some values, and what stands where there is none
 * - `flag`: a word that stands where a boolean is true
 */
export type Format =
  | 'text'
  | 'id'
  | 'words'
  | 'number'
  | 'percent'
  | 'money'
  | 'date'
  | 'day'
  | 'yes-no'
  | { readonly kind: 'money'; readonly currency: string }
  | { readonly kind: 'duration'; readonly unit: 'second' | 'minute' | 'hour' | 'day' }
  | { readonly kind: 'rating'; readonly of: number }
  | { readonly kind: 'badge'; readonly tones?: Readonly<Record<string, Tone>>; readonly unknown?: string }
  | { readonly kind: 'flag'; readonly word: string; readonly tone?: Tone }

/** A condition on a document's field. */
export type Condition =
  | { readonly field: string; readonly is: string | number | boolean }
  | { readonly field: string; readonly atLeast: number }
  | { readonly field: string; readonly not: string | number }
  | { readonly field: string; readonly known: true }

/**
 * What a panel shows of its documents. `share` is the part of the documents that are `of` which are also `where`; `ratio` the
 * sum of one field divided by that of another: of all its documents, and so not the average of their ratios.
 */
export type Measure =
  | { readonly kind: 'documents' }
  | { readonly kind: 'sum' | 'average'; readonly field: string }
  | { readonly kind: 'share'; readonly where: Condition; readonly of?: Condition }
  | { readonly kind: 'ratio'; readonly sum: string; readonly over: string }

/** What a panel splits its documents by. Terms within a list of records are those of its records. */
export type Split =
  | { readonly kind: 'time'; readonly field: string }
  | {
      readonly kind: 'terms'
      readonly field: string
      /** Named bars at most: the greatest sums, or those with the most documents. */
      readonly size?: number
      readonly format?: 'text' | 'words'
    }

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
  /** The filter that a bar sets when it is chosen. */
  readonly drill?: string
  /** What a reader should know to read the figure rightly. */
  readonly note?: string
}

/** What the filters have in common. */
interface AnyFilter {
  /** The parameter's name in addresses; a period's parameters are `from` and `to`, or `day`. */
  readonly name: string
  readonly label: string
  /** What it is called within a sentence (default: the label). */
  readonly words?: string
}

/** Where a filter looks in a read model: a field's path, or that with the value which stands for documents without it. */
export type FilterField = string | { readonly field: string; readonly absent: string }

/** What a reader can narrow a report by. A read model that a filter has no field in is shown as a whole, and says so. */
export type Filter =
  /** From one day to another, both included. */
  | (AnyFilter & { readonly kind: 'time'; readonly fields: Readonly<Record<string, string>> })
  /** One of several values: those given, or the most frequent ones of a field that `fields` has, looked up. */
  | (AnyFilter & {
      readonly kind: 'choice'
      readonly fields: Readonly<Record<string, FilterField>>
      readonly choices: readonly string[] | { readonly of: string; readonly most: number }
      /** What stands for no choice (default: `All`). */
      readonly all?: string
      readonly format?: 'text' | 'words'
    })
  /** A value that is typed, as a whole. */
  | (AnyFilter & { readonly kind: 'text'; readonly fields: Readonly<Record<string, FilterField>> })
  /** On or off: documents that fulfil a condition. */
  | (AnyFilter & { readonly kind: 'check'; readonly where: Readonly<Record<string, Condition>> })

/** A field and how it is written (default: by its type). */
export interface Shown {
  readonly field: string
  readonly format?: Format
}

/** A column of a list; what is `also` shown stands in the same cell. */
export interface Column extends Shown {
  readonly label: string
  readonly also?: readonly Shown[]
  /** Where a narrow screen has it (default: `left`). */
  readonly onPhone?: 'left' | 'right' | 'hidden'
}

/** An order of a list. What has no such field comes last. */
export interface Sort {
  readonly id: string
  readonly label: string
  readonly field: string
  readonly order: 'asc' | 'desc'
  /** What the buttons that turn its pages say. */
  readonly back?: string
  readonly next?: string
}

/** What words find a document by: each of the words has to be in one of these. Fields in lists of records count, too. */
export interface Search {
  readonly placeholder?: string
  /** Texts found by their beginning, whole numbers as they are. */
  readonly fields: readonly string[]
  /** Only found as a whole. */
  readonly exact?: readonly string[]
  /** Found by each of their words: fields that a read model's hint maps as `text` (`city.words`). */
  readonly texts?: readonly string[]
}

/** The documents behind a report's figures. */
export interface DocumentList {
  readonly title: string
  readonly readModel: string
  readonly columns: readonly Column[]
  /** The columns of the file (default: those of the list, and what is also in them). */
  readonly csv?: readonly (Shown & { readonly label: string })[]
  /** The first one is that of a page nobody ordered otherwise. */
  readonly sorts: readonly [Sort, ...Sort[]]
  /** The fields that tell documents apart: they decide between those that are equal in the order. */
  readonly key: readonly string[]
  readonly search?: Search
  /** Only documents that fulfil all of these are in the list. */
  readonly only?: readonly Condition[]
  /** What stands where no document fits. */
  readonly none?: string
}

/** How a field of a document is shown. */
export interface FieldView {
  readonly label?: string
  readonly format?: Format
  /** The read model that has this value as the id of a document. */
  readonly link?: string
  readonly emphasis?: 'always' | 'not-zero'
  readonly hidden?: boolean
  /** Of a list of records: the fields that come first, by their names within it. */
  readonly columns?: readonly string[]
  /** Of a list of records: what stands where it is empty. */
  readonly none?: string
}

/**
 * How a document is shown: everything its row's schema has, by name and type, but for what is said here. A read model
 * without a view of its own is shown by its schema alone.
 */
export interface DocumentView {
  readonly readModel: string
  /** Its parameter in the page's address (default: the read model's name). */
  readonly parameter?: string
  /** By path, also within records and lists (`items.price`). */
  readonly fields?: Readonly<Record<string, FieldView>>
  /** Beside the document's id; `label` stands behind the value. */
  readonly badges?: readonly (Shown & { readonly label?: string })[]
  /** Moments of its life, in their order; those that are only planned aren't marked as reached. */
  readonly steps?: { readonly label: string; readonly fields: readonly string[]; readonly planned?: readonly string[] }
  /** What stands together; all other fields follow. */
  readonly sections?: readonly { readonly title: string; readonly fields: readonly string[] }[]
}

/** A page of panels; everything shown and exported comes from this. */
export interface Report {
  readonly id: string
  readonly title: string
  readonly panels: readonly Panel[]
  readonly filters?: readonly Filter[]
  readonly list?: DocumentList
}

/** How figures and days are written, and what the page is called. */
export interface Writing {
  readonly title: string
  /** A BCP 47 tag: how numbers and dates are written. */
  readonly language: string
  /** An IANA name: where days begin and end, and what moments are shown in. */
  readonly timeZone: string
  /** ISO 4217; left out where nothing is money. */
  readonly currency?: string
}

/** The values of filters as an address gives them, by parameter. */
export type FilterValues = Readonly<Record<string, string | undefined>>
