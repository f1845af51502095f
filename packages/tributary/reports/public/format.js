/** The currency of all cents. */
const CURRENCY = 'BRL'
const LOCALE = 'en-US'

const money = new Intl.NumberFormat(LOCALE, { style: 'currency', currency: CURRENCY })
const wholeMoney = new Intl.NumberFormat(LOCALE, { style: 'currency', currency: CURRENCY, maximumFractionDigits: 0 })
const shortMoney = new Intl.NumberFormat(LOCALE, {
  style: 'currency',
  currency: CURRENCY,
  notation: 'compact',
  maximumFractionDigits: 1,
})
const count = new Intl.NumberFormat(LOCALE)
const shortCount = new Intl.NumberFormat(LOCALE, { notation: 'compact', maximumFractionDigits: 1 })
const share = new Intl.NumberFormat(LOCALE, { style: 'percent', maximumFractionDigits: 1 })
const decimal = new Intl.NumberFormat(LOCALE, { minimumFractionDigits: 1, maximumFractionDigits: 2 })
const moment = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'UTC',
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
})
const day = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', day: 'numeric', month: 'short', year: 'numeric' })
const month = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', month: 'short', year: 'numeric' })
const year = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', year: 'numeric' })
const dayOfMonth = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', day: 'numeric', month: 'short' })

/** Cents as money. @param {number | undefined} cents */
export const writeMoney = (cents) => (cents === undefined ? '–' : money.format(cents / 100))

/**
 * A figure in its format; large money without cents. @param {number | null} value @param {string} format
 */
export function writeFigure(value, format) {
  if (value === null) return '–'
  switch (format) {
    case 'money':
      return (Math.abs(value) >= 1_000_000_00 ? wholeMoney : money).format(value / 100)
    case 'share':
      return share.format(value)
    case 'score':
      return `${decimal.format(value)} ★`
    case 'days':
      return `${decimal.format(value)} days`
    default:
      return count.format(value)
  }
}

/** A figure where there is little room. @param {number | null} value @param {string} format */
export function writeShort(value, format) {
  if (value === null) return '–'
  if (format === 'money') return shortMoney.format(value / 100)
  return format === 'count' ? shortCount.format(value) : writeFigure(value, format).replace(/ days$/, ' d')
}

/** A point in time, in UTC. @param {string | undefined} iso */
export function writeMoment(iso) {
  if (iso === undefined) return undefined
  const date = new Date(iso)
  return Number.isNaN(date.getTime()) ? iso : moment.format(date)
}

/** The period a bar of a time axis stands for. @param {string} key first day @param {string} interval */
export function writePeriod(key, interval) {
  const date = new Date(key)
  if (interval === 'year') return year.format(date)
  if (interval === 'quarter') return `Quarter from ${month.format(date)}`
  if (interval === 'month') return month.format(date)
  return interval === 'week' ? `Week of ${day.format(date)}` : day.format(date)
}

/** A short label below a bar. @param {string} key first day @param {string} interval */
export const writeTick = (key, interval) =>
  (interval === 'day' ? dayOfMonth : interval === 'year' ? year : month).format(new Date(key))

/** Words for identifiers like `credit_card`. @param {string} text */
export const humane = (text) => text.replaceAll('_', ' ')

/** How long ago, in words. @param {number} ms */
export function writeAgo(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 90) return `${seconds} s ago`
  const minutes = Math.round(seconds / 60)
  return minutes < 90 ? `${minutes} min ago` : `${Math.round(minutes / 60)} h ago`
}
