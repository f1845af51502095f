import type { Concern } from '#runtime/health'

/** What was found to be wrong somewhere, until it is found to be well. */
export interface Finding extends Concern {
  /** Whether something stands still or is lost already; otherwise it only comes to that. */
  readonly unwell: boolean
}

/** What is wrong now, each under a name of its own. */
export class Findings {
  readonly #found = new Map<string, Finding>()

  /** Notes what was found under a name; nothing takes back what was there. Says whether it is news. */
  note(name: string, finding: Finding | undefined): boolean {
    const news = finding !== undefined && !this.#found.has(name)
    if (finding) this.#found.set(name, finding)
    else this.#found.delete(name)
    return news
  }

  has(name: string): boolean {
    return this.#found.has(name)
  }

  /** Everything that stands still or is lost, with the remedies, in one text; undefined when nothing does. */
  get reason(): string | undefined {
    const unwell = [...this.#found.values()].filter((finding) => finding.unwell)
    return unwell.length === 0 ? undefined : unwell.map(inWords).join('; ')
  }

  /** The rest: what needs somebody, though all goes on. */
  get concerns(): Concern[] {
    return [...this.#found.values()].filter(({ unwell }) => !unwell).map(({ unwell: _, ...concern }) => concern)
  }
}

const inWords = ({ what, remedy }: Finding) => (remedy === undefined ? what : `${what}: ${remedy}`)
