/** Count, median, 90th and 99th percentile, and maximum of some measurements, in the unit they came in. */
export interface Spread {
  readonly n: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

/** Nearest-rank percentiles. Throws on an empty list: a figure nobody measured is not a figure. */
export function spread(values: readonly number[]): Spread {
  if (values.length === 0) throw new Error('nothing was measured')
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!
  return { n: sorted.length, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: sorted.at(-1)! }
}

/** A table for people: one line per measured hop, in milliseconds. */
export function table(rows: readonly (readonly [label: string, values: readonly number[]])[]): string {
  const width = Math.max(...rows.map(([label]) => label.length))
  const cell = (value: number) => value.toFixed(0).padStart(7)
  const head = `${''.padEnd(width)}        n    p50    p90    p99    max   (ms)`
  const lines = rows.map(([label, values]) => {
    if (values.length === 0) return `${label.padEnd(width)}  (nothing seen)`
    const s = spread(values)
    return `${label.padEnd(width)}  ${String(s.n).padStart(7)}${[s.p50, s.p90, s.p99, s.max].map(cell).join('')}`
  })
  return [head, ...lines].join('\n')
}
