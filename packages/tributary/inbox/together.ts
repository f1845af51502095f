/** What one caller brought. */
interface Brought<T, R> {
  readonly items: readonly T[]
  readonly done: PromiseWithResolvers<R>
}

/**
 * Lets callers share `work`: what comes while one round is under way makes up the next one, as many callers as fit into
 * `most` items (the first always does). Each caller's items stay in order. All callers of a round get its result, or its
 * error.
 */
export function together<T, R>(
  most: number,
  work: (items: readonly T[]) => Promise<R>,
): (items: readonly T[]) => Promise<R> {
  const waiting: Brought<T, R>[] = []
  let working = false

  function nextRound(): Brought<T, R>[] {
    const round: Brought<T, R>[] = []
    let count = 0
    while (waiting[0] && (round.length === 0 || count + waiting[0].items.length <= most)) {
      count += waiting[0].items.length
      round.push(waiting.shift()!)
    }
    return round
  }

  async function keepWorking(): Promise<void> {
    working = true
    // Who calls in the same turn takes part.
    await new Promise((resolve) => setImmediate(resolve))
    while (waiting.length > 0) {
      const round = nextRound()
      try {
        const result = await work(round.flatMap(({ items }) => items))
        for (const { done } of round) done.resolve(result)
      } catch (error) {
        for (const { done } of round) done.reject(error)
      }
    }
    working = false
  }

  return (items) => {
    const done = Promise.withResolvers<R>()
    waiting.push({ items, done })
    if (!working) void keepWorking()
    return done.promise
  }
}
