import { printable } from 'tributary/runtime'
import type { Tally } from './player.ts'
import { figure } from './summary.ts'

/** Where progress is shown: a terminal gets one line that changes, anything else a line now and then. */
export type Output = Pick<NodeJS.WriteStream, 'write'> & { readonly isTTY?: boolean | undefined }

export interface Progress {
  stop(): void
}

const TERMINAL_MS = 250
const LOG_MS = 5_000

/**
 * Shows how far a load is until it is stopped; while nothing moves, also what it waits for.
 * @param orders how many this run is to play
 */
export function showProgress(out: Output, tally: Readonly<Tally>, orders: number): Progress {
  const startedAt = performance.now()
  let before = -1
  const line = () => {
    const stuck = tally.commands === before && tally.lastTrouble !== undefined
    before = tally.commands
    const text = describeProgress(tally, orders, (performance.now() - startedAt) / 1_000)
    return stuck ? printable(`${text}; waiting: ${tally.lastTrouble}`) : text
  }
  const show = () => out.write(out.isTTY ? `\r\x1b[2K${line()}` : `${line()}\n`)
  const timer = setInterval(show, out.isTTY ? TERMINAL_MS : LOG_MS)
  return {
    stop: () => {
      clearInterval(timer)
      show()
      if (out.isTTY) out.write('\n')
    },
  }
}

/** One line. The time left goes by the orders so far. */
export function describeProgress(tally: Readonly<Tally>, orders: number, seconds: number): string {
  const parts = [
    `${figure(tally.orders)} of ${figure(orders)} orders`,
    `${figure(tally.commands)} commands`,
    `${figure(seconds > 0 ? tally.commands / seconds : 0)}/s`,
  ]
  if (tally.notYet + tally.down > 0) parts.push(`${figure(tally.notYet + tally.down)} sent again`)
  if (tally.orders > 0 && tally.orders < orders) {
    parts.push(`${duration((seconds / tally.orders) * (orders - tally.orders))} left`)
  }
  return parts.join(', ')
}

/** Seconds for a person: `45 s`, `3 min 20 s`, `2 h 05 min`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3_600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`
  return `${Math.floor(whole / 3_600)} h ${String(Math.floor((whole % 3_600) / 60)).padStart(2, '0')} min`
}
