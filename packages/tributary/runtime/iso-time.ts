/** The last instant that a `Date` can hold, in ms since 1970 (ECMA-262, Time Values and Time Range). */
const LAST_MS = 8.64e15

/**
 * An instant that others wrote, such as a record's timestamp, as RFC 3339; null where it is none: Kafka takes any number
 * of ms, and says -1 where there is none.
 */
export function isoTime(ms: number): string | null {
  return ms >= 0 && ms <= LAST_MS ? new Date(ms).toISOString() : null
}
