/**
 * How a value is written: see `Format` in report.ts.
 * @typedef {string | { kind: string, currency?: string, unit?: string, of?: number, word?: string, tone?: string,
 *   tones?: Record<string, string>, unknown?: string }} Format
 */

let settings = { language: 'en', timeZone: 'UTC', currency: /** @type {string | undefined} */ (undefined) }
/** @type {Map<string, Intl.NumberFormat | Intl.DateTimeFormat>} */
const made = new Map()

/** Takes the language, the time zone and the currency of the system. @param {typeof settings} given */
export function writeAs(given) {
  settings = given
  made.clear()
}

/** @param {Intl.NumberFormatOptions} [options] */
function number(options = {}) {
  const key = `number ${JSON.stringify(options)}`
  if (!made.has(key)) made.set(key, new Intl.NumberFormat(settings.language, options))
  return /** @type {Intl.NumberFormat} */ (made.get(key))
}

/** @param {Intl.DateTimeFormatOptions} options */
function date(options) {
  const key = `date ${JSON.stringify(options)}`
  if (!made.has(key)) made.set(key, new Intl.DateTimeFormat(settings.language, options))
  return /** @type {Intl.DateTimeFormat} */ (made.get(key))
}

/** @param {Format} format */
export const kindOf = (format) => (typeof format === 'string' ? format : format.kind)

/** Whether values stand one below the other by their last digit. @param {Format} format */
export const isNumeric = (format) => ['number', 'percent', 'money', 'duration'].includes(kindOf(format))

/** The time zone moments are written in, for a reader. */
export const zoneName = () => settings.timeZone

/** An amount in the smallest unit of its currency. @param {number} value @param {Format} format @param {Intl.NumberFormatOptions} [options] */
function money(value, format, options = {}) {
  const currency = (typeof format === 'object' ? format.currency : undefined) ?? settings.currency ?? 'XXX'
  const style = /** @type {const} */ ('currency')
  const digits = number({ style, currency }).resolvedOptions().maximumFractionDigits ?? 2
  const units = value / 10 ** digits
  const whole = options.notation === undefined && Math.abs(units) >= 1_000_000 && digits > 0
  return number({ style, currency, ...options, ...(whole && { maximumFractionDigits: 0 }) }).format(units)
}

/** @param {number} value @param {Format} format @param {Intl.NumberFormatOptions} [options] */
function duration(value, format, options = {}) {
  const unit = typeof format === 'object' ? format.unit : undefined
  return number({
    style: 'unit',
    unit: unit ?? 'day',
    unitDisplay: 'long',
    maximumFractionDigits: 2,
    ...options,
  }).format(value)
}

/** A figure in its format; large money without its small unit. @param {number | null} value @param {Format} format */
export function writeFigure(value, format) {
  if (value === null) return '–'
  switch (kindOf(format)) {
    case 'money':
      return money(value, format)
    case 'percent':
      return number({ style: 'percent', maximumFractionDigits: 1 }).format(value)
    case 'rating':
      return `${number({ minimumFractionDigits: 1, maximumFractionDigits: 2 }).format(value)} ★`
    case 'duration':
      return duration(value, format, { minimumFractionDigits: 1 })
    default:
      return number().format(value)
  }
}

/** A figure where there is little room. @param {number | null} value @param {Format} format */
export function writeShort(value, format) {
  if (value === null) return '–'
  const short = /** @type {const} */ ({ notation: 'compact', maximumFractionDigits: 1 })
  switch (kindOf(format)) {
    case 'money':
      return money(value, format, short)
    case 'number':
      return number(short).format(value)
    case 'duration':
      return duration(value, format, { unitDisplay: 'narrow' })
    default:
      return writeFigure(value, format)
  }
}

/** How many. @param {number} count */
export const writeCount = (count) => number().format(count)

/** A document's value as text; undefined where it isn't known. @param {unknown} value @param {Format} format @returns {string | undefined} */
export function writeValue(value, format) {
  if (value === undefined || value === null) return undefined
  if (Array.isArray(value)) return value.map((one) => writeValue(one, format)).join(', ')
  const kind = kindOf(format)
  if (kind === 'date') return writeMoment(String(value))
  if (kind === 'day') return writeDate(String(value), 'UTC', {})
  if (kind === 'words') return humane(String(value))
  if (kind === 'yes-no') return value === true ? 'yes' : 'no'
  if (typeof value !== 'number') return String(value)
  // An amount of one document is told to its last digit.
  if (kind === 'money') return money(value, format, { notation: 'standard' })
  if (kind === 'duration') return duration(value, format)
  return isNumeric(format) ? writeFigure(value, format) : String(value)
}

const TIME = /** @type {const} */ ({ hour: '2-digit', minute: '2-digit' })
const DAY = /** @type {const} */ ({ day: 'numeric', month: 'short', year: 'numeric' })

/** @param {string} iso @param {string} timeZone @param {Intl.DateTimeFormatOptions} more */
function writeDate(iso, timeZone, more) {
  const at = new Date(iso)
  return Number.isNaN(at.getTime()) ? iso : date({ timeZone, ...DAY, ...more }).format(at)
}

/** A point in time, in the system's time zone. @param {string} iso */
export const writeMoment = (iso) => writeDate(iso, settings.timeZone, TIME)

/** A point in time, in UTC. @param {string} iso */
export const writeUtc = (iso) => writeDate(iso, 'UTC', TIME)

// A bar's key is a calendar day: it is the same one everywhere.
const MONTH = /** @type {const} */ ({ timeZone: 'UTC', month: 'short', year: 'numeric' })
const YEAR = /** @type {const} */ ({ timeZone: 'UTC', year: 'numeric' })

/** The period a bar of a time axis stands for. @param {string} key first day @param {string} interval */
export function writePeriod(key, interval) {
  const first = new Date(key)
  if (interval === 'year') return date(YEAR).format(first)
  if (interval === 'quarter') return `Quarter from ${date(MONTH).format(first)}`
  if (interval === 'month') return date(MONTH).format(first)
  const day = date({ timeZone: 'UTC', ...DAY }).format(first)
  return interval === 'week' ? `Week of ${day}` : day
}

/** A short label below a bar. @param {string} key first day @param {string} interval */
export function writeTick(key, interval) {
  if (interval === 'year') return date(YEAR).format(new Date(key))
  return date(interval === 'day' ? { timeZone: 'UTC', day: 'numeric', month: 'short' } : MONTH).format(new Date(key))
}

/** Words for identifiers like `first_class`. @param {string} text */
export const humane = (text) => text.replaceAll('_', ' ')

/** How long ago, in words. @param {number} ms */
export function writeAgo(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 90) return `${seconds} s ago`
  const minutes = Math.round(seconds / 60)
  return minutes < 90 ? `${minutes} min ago` : `${Math.round(minutes / 60)} h ago`
}
