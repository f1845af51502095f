/** Some parts failed, the others are done. The message names each and why. */
export class SomeFailed extends Error {
  override readonly name = 'SomeFailed'
  readonly failed: ReadonlyMap<string, Error>
  constructor(failed: ReadonlyMap<string, Error>) {
    super([...failed].map(([part, error]) => `${part}: ${error.message}`).join('\n'))
    this.failed = failed
  }
}

/** What came of doing the same for several parts. */
export interface Each<Part extends string, Result> {
  readonly done: ReadonlyMap<Part, Result>
  readonly failed: ReadonlyMap<Part, Error>
}

/** Does the same for several parts, one after the other: one that fails holds up no other. Never throws. */
export async function eachOnItsOwn<Part extends string, Result>(
  parts: Iterable<Part>,
  work: (part: Part) => Promise<Result>,
): Promise<Each<Part, Result>> {
  const done = new Map<Part, Result>()
  const failed = new Map<Part, Error>()
  for (const part of parts) {
    try {
      done.set(part, await work(part))
    } catch (error) {
      failed.set(part, error instanceof Error ? error : new Error(String(error)))
    }
  }
  return { done, failed }
}

/** Throws `SomeFailed` with all that failed; nothing where all are done. */
export function throwFailed({ failed }: Pick<Each<string, unknown>, 'failed'>): void {
  if (failed.size > 0) throw new SomeFailed(failed)
}
