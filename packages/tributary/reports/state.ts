import type { FollowedLetters } from '#runtime/dead-letters/follow'
import type { OpenLetter } from '#runtime/dead-letters/letter'
import type { Concern } from '#runtime/health'

/** Letters that an answer lists; it says how many there are. */
const MOST_LISTED = 100
/** How much of a key or message is shown. */
const SHOWN = 300
const ANSWER_MS = 2_000

/** How far the figures can be trusted: what the page says above them. */
export interface PageState {
  /** How far each read model is complete, in the words of `GET /freshness`; left out when nobody tells. */
  readonly freshness?: unknown
  /** What isn't well though figures are served. */
  readonly concerns: readonly Concern[]
  /** What was set aside and not dealt with; left out until it is known. */
  readonly letters?: { readonly count: number; readonly list: readonly ShownLetter[] }
}

/** An open dead letter as the page lists it. */
export interface ShownLetter {
  readonly id: string
  readonly app: string
  readonly key: string | null
  readonly reason: string
  readonly message: string
  /** When it was set aside, RFC 3339. */
  readonly since: string
}

/** Where the page's server asks. */
export interface StateSources {
  /** The answer of `GET /freshness`; undefined when nobody tells. */
  freshness(): Promise<unknown>
  concerns(): Promise<readonly Concern[]>
  /** The open dead letters of all applications whose topic is there; undefined until they are known. */
  letters(): readonly OpenLetter[] | undefined
}

/** Asks all of them; one that doesn't answer leaves its part out. */
export async function readState(sources: StateSources): Promise<PageState> {
  const [freshness, concerns] = await Promise.all([
    sources.freshness().catch(() => undefined),
    sources.concerns().catch(() => []),
  ])
  const letters = sources.letters()
  return {
    ...(freshness !== undefined && { freshness }),
    concerns,
    ...(letters && { letters: { count: letters.length, list: letters.slice(0, MOST_LISTED).map(shownLetter) } }),
  }
}

function shownLetter({ id, app, key, reason, message, at }: OpenLetter): ShownLetter {
  return { id, app, key: key && cut(key.toString()), reason, message: cut(message), since: at }
}

const cut = (text: string) => (text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text).toWellFormed()

/** The freshness service and the dead-letter topics of some applications as sources. */
export function stateFrom(freshnessUrl: string, letters: FollowedLetters, apps: readonly string[]): StateSources {
  const ask = (path: string) => fetch(`${freshnessUrl}${path}`, { signal: AbortSignal.timeout(ANSWER_MS) })
  return {
    freshness: async () => {
      const response = await ask('/freshness')
      return response.ok ? response.json() : undefined
    },
    concerns: async () => ((await (await ask('/health')).json()) as { concerns?: readonly Concern[] }).concerns ?? [],
    letters: () => {
      const unread = letters.unread()
      const known = apps.every((app) => letters.known(app) || unread.has(app))
      return known ? [...letters.open().values()].flat() : undefined
    },
  }
}
