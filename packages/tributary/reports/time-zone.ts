const formats = new Map<string, Intl.DateTimeFormat>()
/** No date lies further from 1970 than this. */
const LAST_MS = 8.64e15

/** How far a time zone's clocks are ahead of UTC at a moment, in ms. Both may lie in any year a date can have. */
function offset(ms: number, zone: string): number {
  if (zone === 'UTC') return 0
  let format = formats.get(zone)
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' })
    formats.set(zone, format)
  }
  const name = format
    .formatToParts(Math.min(Math.max(ms, -LAST_MS), LAST_MS))
    .find(({ type }) => type === 'timeZoneName')!.value
  const [, sign, hours = 0, minutes = 0, seconds = 0] = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?/.exec(name)!
  const ahead = (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * 1_000
  return sign === '-' ? -ahead : ahead
}

/** What a time zone's clocks show at a moment, as the ms of that time in UTC. */
export const localTime = (ms: number, zone: string): number => ms + offset(ms, zone)

const DAY_MS = 86_400_000

/**
 * The moment at which a day begins: the first one at which clocks show its midnight, or, where they are put forward
 * just then, the moment at which they are.
 * @param local the day's midnight, as the ms of that time in UTC
 */
export function dayBegin(local: number, zone: string): number {
  const before = local - offset(local - DAY_MS, zone)
  const after = local - offset(local + DAY_MS, zone)
  const shown = [before, after].filter((ms) => localTime(ms, zone) === local)
  return shown.length > 0 ? Math.min(...shown) : before
}
