import { sinkApp } from '#contracts/apps'
import type { FollowedLetters } from '#runtime/dead-letters/follow'
import type { OpenLetter } from '#runtime/dead-letters/letter'
import type { Concern } from '#runtime/health'
import type { Stage } from './stages.ts'

/** A key that isn't in a read model though everything else is, because a record of it was set aside. */
export interface Exception {
  /** Who set it aside. */
  readonly app: string
  /** Of the dead letter. */
  readonly id: string
  readonly topic: string
  /** As text; null where the record has none. */
  readonly key: string | null
  readonly reason: string
  /** When it was set aside, RFC 3339. */
  readonly since: string
}

/** The processors, of all there are, whose letters a read model lacks: its own, and those of the rows it is made of. */
export function processorsOf(stage: Stage, stages: readonly Stage[]): readonly string[] {
  const writers = stages.filter(({ output }) => stage.inputs.includes(output))
  return [...new Set([stage.group, ...writers.flatMap((writer) => processorsOf(writer, stages))])]
}

/** The applications whose letters are exceptions of a read model. */
export function lettersAppsOf(stage: Stage, stages: readonly Stage[]): readonly string[] {
  return [...processorsOf(stage, stages), sinkApp]
}

/** The open letters that a read model is complete without. */
export function lettersOf(
  stage: Stage,
  stages: readonly Stage[],
  open: ReadonlyMap<string, readonly OpenLetter[]>,
): OpenLetter[] {
  const processors = processorsOf(stage, stages).flatMap((app) => open.get(app) ?? [])
  const refused = (open.get(sinkApp) ?? []).filter(({ topic }) => topic === stage.output)
  return [...processors, ...refused]
}

export function exceptionOf({ app, id, topic, key, reason, at }: OpenLetter): Exception {
  return { app, id, topic, key: key === null ? null : key.toString(), reason, since: at }
}

/** Open letters, and letters that can't be known, one concern an application. */
export function letterConcerns(letters: Pick<FollowedLetters, 'open' | 'unread'>): Concern[] {
  const unread = [...letters.unread()].map(([app, topic]) => {
    const what = `which of its records are set aside isn't known: topic "${topic}" doesn't exist`
    return { part: app, what, remedy: 'npx --no tributary topics apply' }
  })
  return [...unread, ...concernsOf(letters)]
}

function concernsOf(letters: Pick<FollowedLetters, 'open'>): Concern[] {
  return [...letters.open()].map(([app, open]) => {
    const [oldest] = open
    const key = oldest!.key === null ? '' : ` of key "${oldest!.key}"`
    const what = `${open.length} open dead letters, the oldest${key} since ${oldest!.at}: ${oldest!.message}`
    return { part: app, what, remedy: `npx --no tributary dead-letters list ${app}` }
  })
}
