/** A source of chance that gives the same for the same seed, on every machine. */
export interface Random {
  /** Evenly in [0, 1). */
  next(): number
  /** A whole number, evenly from `from` through `to`. */
  between(from: number, to: number): number
  /** True with the given probability. */
  chance(probability: number): boolean
  /** One of the list, each as likely. */
  pick<T>(list: readonly T[]): T
  /** An index, as likely as its weight. */
  weighted(weights: readonly number[]): number
  /** Logarithm normally distributed: half of the values are below `median`, `spread` is the sigma of the logarithm. */
  skewed(median: number, spread: number): number
  /** The list in a new order. */
  shuffle<T>(list: readonly T[]): T[]
  /** 32 hexadecimal digits. */
  id(): string
}

/** Chris Doty-Humphrey's sfc32 (PractRand), seeded from any text. */
export function randomFrom(seed: string): Random {
  let [a, b, c, counter] = [0x9e3779b9, 0x243f6a88, 0xb7e15162, 1]
  const step = (): number => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    c |= 0
    return sum >>> 0
  }
  for (const char of seed) {
    a = (a ^ (char.codePointAt(0) as number)) | 0
    for (let round = 0; round < 4; round++) step()
  }
  for (let round = 0; round < 16; round++) step()

  const next = () => step() / 0x1_0000_0000
  const between = (from: number, to: number) => from + Math.floor(next() * (to - from + 1))
  const hex = () => step().toString(16).padStart(8, '0')
  return {
    next,
    between,
    chance: (probability) => next() < probability,
    pick: (list) => list[between(0, list.length - 1)] as (typeof list)[number],
    weighted: (weights) => {
      let left = next() * weights.reduce((sum, weight) => sum + weight, 0)
      const index = weights.findIndex((weight) => {
        left -= weight
        return left < 0
      })
      return index < 0 ? weights.length - 1 : index
    },
    skewed: (median, spread) => {
      const normal = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())
      return median * Math.exp(spread * normal)
    },
    shuffle: (list) => {
      const mixed = [...list]
      for (let last = mixed.length - 1; last > 0; last--) {
        const other = between(0, last)
        ;[mixed[last], mixed[other]] = [mixed[other] as never, mixed[last] as never]
      }
      return mixed
    },
    id: () => hex() + hex() + hex() + hex(),
  }
}
