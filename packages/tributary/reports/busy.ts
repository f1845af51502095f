/** More is asked for than is answered at a time: come again after a moment. */
export class Busy extends Error {
  override readonly name = 'Busy'
}

/**
 * Lets so many works run at a time, and so many wait for their turn, first come, first served. Throws `Busy` where
 * even the waiting line is full: whoever asks then is told at once, instead of making everybody slower.
 */
export function atMost(running: number, waiting: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = running
  const line: (() => void)[] = []
  return async (work) => {
    if (free > 0) free--
    else if (line.length < waiting) await new Promise<void>((resolve) => line.push(resolve))
    else throw new Busy('too many searches at a time')
    try {
      return await work()
    } finally {
      const next = line.shift()
      if (next) next()
      else free++
    }
  }
}
