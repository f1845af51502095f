import type { Document } from '#read-models/document'
import { labelOf, valueAt } from './fields.ts'
import type { DocumentList, Format, Shown } from './report.ts'

/** A column of a file: its name, the path of its field, and how it is written (only money isn't as it stands). */
export type CsvColumn = Shown & { readonly label: string }

/** The columns of a list's file. */
export const csvColumns = ({ csv, columns }: DocumentList): readonly CsvColumn[] =>
  csv ??
  columns.flatMap(({ also = [], ...column }) => [
    column,
    ...also.map((shown) => ({ ...shown, label: labelOf(shown.field) })),
  ])

/** The first line of a file. */
export const csvHead = (columns: readonly CsvColumn[]) => `${columns.map(({ label }) => cell(label)).join(',')}\r\n`

/**
 * The function that writes one document's line (RFC 4180). Money is in units, with the decimals of its currency.
 * @param currency ISO 4217, of columns that don't say theirs
 */
export function csvLine(columns: readonly CsvColumn[], currency?: string): (document: Document) => string {
  const cells = columns.map(({ field, format }) => {
    const digits = digitsOf(format, currency)
    return (document: Document) => {
      const value = valueAt(document, field)
      return cell(digits !== undefined && typeof value === 'number' ? (value / 10 ** digits).toFixed(digits) : value)
    }
  })
  return (document) => `${cells.map((write) => write(document)).join(',')}\r\n`
}

/** Decimals of an amount; undefined of what isn't money. */
function digitsOf(format: Format | undefined, currency = 'XXX'): number | undefined {
  if (format === 'money') return decimals(currency)
  return typeof format === 'object' && format.kind === 'money' ? decimals(format.currency) : undefined
}

const decimals = (currency: string) =>
  new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits

function cell(value: unknown): string {
  if (value === undefined || value === null) return ''
  const given = typeof value === 'number' || typeof value === 'boolean' ? value : String(value)
  // Text that a spreadsheet would run as a formula is kept text; numbers may be negative.
  const text = typeof given === 'string' && /^[=@\t\r]|^[+-](?!\d+(\.\d+)?$)/.test(given) ? `'${given}` : String(given)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
