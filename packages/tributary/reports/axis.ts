import { dayBegin, localTime } from './time-zone.ts'

const DAY_MS = 86_400_000

/** How wide the bars of a time axis are. */
export type Interval = 'day' | 'week' | 'month' | 'quarter' | 'year'

/** The interval up to which span, in days: no axis has more than about 160 bars. */
const INTERVALS: readonly (readonly [Interval, number])[] = [
  ['day', 120],
  ['week', 840],
  ['month', 3_650],
  ['quarter', 14_600],
]
/** An axis is no longer than this. */
const LONGEST_MS = 150 * 365.25 * DAY_MS
/** An axis goes on by this much at least on either side of where most documents are. */
const LEAST_MARGIN_MS = 30 * DAY_MS

/** A time axis: from when to when (ms since 1970, both included), and how wide its bars are. */
export interface Axis {
  readonly fromMs: number
  readonly toMs: number
  readonly interval: Interval
}

/** Where documents are on a time axis, in ms since 1970. */
export interface Spread {
  readonly min: number
  readonly max: number
  /** Within these lie nine tenths. */
  readonly low: number
  readonly middle: number
  readonly high: number
}

/** The interval with which a period has about a hundred bars. */
export function intervalFor(fromMs: number, toMs: number): Interval {
  const days = (toMs - fromMs) / DAY_MS
  return INTERVALS.find(([, most]) => days <= most)?.[0] ?? 'year'
}

/**
 * The axis on which documents are shown readably: from the first to the last one, unless a few lie so far from all
 * others (a year 1, a year 9999) that the rest would be a single bar. Those are left outside; whoever shows the axis
 * says how many they are.
 * @param zone IANA name of the time zone in which days begin
 */
export function axisFor({ min, max, low, middle, high }: Spread, zone = 'UTC'): Axis {
  const margin = Math.max(high - low, LEAST_MARGIN_MS)
  let fromMs = Math.max(min, low - margin)
  let toMs = Math.min(max, high + margin)
  if (toMs - fromMs > LONGEST_MS) {
    fromMs = Math.max(fromMs, middle - LONGEST_MS / 2)
    toMs = Math.min(toMs, fromMs + LONGEST_MS)
  }
  const interval = intervalFor(fromMs, toMs)
  // Whole bars: a first or last one that is cut would show less than choosing it does.
  return { fromMs: beginOf(interval, fromMs, zone), toMs: beginOf(interval, toMs, zone, 1) - 1, interval }
}

/** When the interval begins that holds a moment, or one that many intervals later; weeks begin on Mondays. */
function beginOf(interval: Interval, ms: number, zone: string, later = 0): number {
  const date = new Date(localTime(ms, zone))
  date.setUTCHours(0, 0, 0, 0)
  if (interval === 'day') date.setUTCDate(date.getUTCDate() + later)
  if (interval === 'week') date.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7) + 7 * later)
  if (interval === 'month') date.setUTCMonth(date.getUTCMonth() + later, 1)
  if (interval === 'quarter') date.setUTCMonth(date.getUTCMonth() - (date.getUTCMonth() % 3) + 3 * later, 1)
  if (interval === 'year') date.setUTCFullYear(date.getUTCFullYear() + later, 0, 1)
  return dayBegin(date.getTime(), zone)
}
