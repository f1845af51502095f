import { setTimeout as after } from 'node:timers/promises'
import { type Client, errors } from '@elastic/elasticsearch'
import type { Document } from '#read-models/document'
import type { OpenLetter } from '#runtime/dead-letters/letter'
import { addTo, type Difference, difference, noTotals, same, type Totals } from './compare.ts'
import type { Verification } from './definition.ts'
import { loadSources, recompute, type SourceSettings, type Sources } from './load.ts'
import { readAll, readSome } from './read-index.ts'
import { type Affected, idsIn, letterFor, type SetAside } from './set-aside.ts'

/** What was found of one read model. */
export interface Verified {
  readonly readModel: string
  /** What the services' rows give, and what the index holds, at the first look. */
  readonly expected: Totals
  readonly found: Totals
  /** How many keys differed at the first look; what was merely on its way agrees later. */
  readonly differedAtFirst: number
  /** What differs for good, and nothing explains it. */
  readonly differences: readonly Difference[]
  /** What differs because a record was set aside as a dead letter that is still open. */
  readonly setAside: readonly SetAside[]
  /** Why the read model could not be compared, or not to its end; the others were. */
  readonly failure?: string
}

/** Whether all that was asked for was compared, and is the same. */
export function isEqual({ differences, setAside, failure }: Verified): boolean {
  return differences.length === 0 && setAside.length === 0 && failure === undefined
}

export interface VerifyOptions {
  readonly verification: Verification
  readonly sources: SourceSettings
  readonly client: Client
  readonly readModels: readonly string[]
  /**
   * Resolves with true when everything committed before the call is searchable, with false when nobody can tell.
   * A difference that outlives it, while the services' rows stay as they are, is one for good.
   */
  waitUntilSearchable(): Promise<boolean>
  /** The dead letters that are open, of all applications. */
  openLetters(): Promise<readonly OpenLetter[]>
  /** How long to look again at keys that differ, in ms. */
  readonly deadlineMs: number
}

/** Without word from the freshness service, a difference has to stand still for this long to be one for good, in ms. */
const STANDS_STILL_MS = 10_000
const LOOK_AGAIN_MS = 500

/**
 * Recomputes read models from the services' databases, with one SQL query each, and compares them with the index,
 * document by document. A system at work has no moment at which both sides stand still: keys that differ are looked
 * at again until they agree, or until they differ although everything is searchable and their rows did not change.
 */
export async function verify(options: VerifyOptions): Promise<Verified[]> {
  const { verification, client, readModels } = options
  const sources = await loadSources(verification, options.sources)
  const first: FirstLook[] = []
  const failures = new Map<string, string>()
  try {
    for (const readModel of readModels) {
      first.push(
        await look(verification, sources, client, readModel).catch((error) => {
          failures.set(readModel, failureWords(readModel, error))
          return { readModel, expected: noTotals(), found: noTotals(), differences: new Map() }
        }),
      )
    }
  } finally {
    await sources.close()
  }
  const settled = await settle(first, options, failures)
  return explain(settled, options)
}

/** Why a read model can't be compared, with the thing and where to look. */
function failureWords(readModel: string, error: unknown): string {
  if (error instanceof errors.ResponseError)
    return `the index "${readModel}" can't be read: ${error.body?.error?.type ?? error.statusCode} (\`make status\` says how the sink is)`
  if (error instanceof errors.ElasticsearchClientError) return `Elasticsearch doesn't answer: ${error.message}`
  return (error as Error).message
}

/** Tells the differences that open dead letters explain from those that nothing does. */
async function explain(results: readonly Verified[], options: VerifyOptions): Promise<Verified[]> {
  if (results.every(({ differences }) => differences.length === 0)) return [...results]
  const letters = await options.openLetters()
  if (letters.length === 0) return [...results]
  const { counted } = options.verification
  const affected = counted
    ? await affectedBy(counted.readModel, results, letters, options)
    : new Map<string, Affected>()
  return results.map((result) => {
    const setAside = result.differences.flatMap((difference) => {
      const letter = letterFor(result.readModel, difference, letters, affected, counted)
      return letter
        ? [{ difference, letter: { id: letter.id, app: letter.app, reason: letter.reason, at: letter.at } }]
        : []
    })
    const explained = new Set(setAside.map(({ difference }) => difference))
    return { ...result, setAside, differences: result.differences.filter((one) => !explained.has(one)) }
  })
}

/** The documents of a read model that letters are about: by their own id, or by what a differing document has in it. */
async function affectedBy(
  readModel: string,
  results: readonly Verified[],
  letters: readonly OpenLetter[],
  { verification, sources: settings }: VerifyOptions,
): Promise<ReadonlyMap<string, Affected>> {
  const affected = new Map<string, Affected>()
  const byId = new Map(letters.flatMap((letter) => idsIn(letter.key).map((id) => [id, letter] as const)))
  const sources = await loadSources(verification, settings)
  try {
    for (const { key, document } of await recompute(verification, sources, readModel, [...byId.keys()]).catch(() => []))
      affected.set(key, { documents: [document], letter: byId.get(key)! })
  } finally {
    await sources.close()
  }
  for (const difference of results.find((result) => result.readModel === readModel)?.differences ?? []) {
    const letter = letterFor(readModel, difference, letters, affected, verification.counted)
    const documents = [difference.expected, difference.found].filter((side) => side !== undefined)
    if (letter) affected.set(difference.key, { documents, letter })
  }
  return affected
}

interface FirstLook {
  readonly readModel: string
  readonly expected: Totals
  readonly found: Totals
  readonly differences: ReadonlyMap<string, Difference>
}

/** Compares all documents of a read model once. */
async function look(
  verification: Verification,
  sources: Sources,
  client: Client,
  readModel: string,
): Promise<FirstLook> {
  const { totals } = verification.readModels[readModel] ?? {}
  const expected = noTotals()
  const found = noTotals()
  const differences = new Map<string, Difference>()
  const left = new Map<string, Document>()
  for (const { key, document } of await recompute(verification, sources, readModel)) {
    left.set(key, document)
    addTo(expected, document, totals)
  }
  for await (const page of readAll(client, readModel)) {
    for (const { key, document } of page) {
      addTo(found, document, totals)
      const differs = difference(key, left.get(key), document)
      if (differs) differences.set(key, differs)
      left.delete(key)
    }
  }
  for (const [key, document] of left) differences.set(key, difference(key, document)!)
  return { readModel, expected, found, differences }
}

/** Looks at the differing keys of all read models again and again, each time at fresh copies of the rows. */
async function settle(
  first: readonly FirstLook[],
  options: VerifyOptions,
  failures: Map<string, string>,
): Promise<Verified[]> {
  const { client, deadlineMs } = options
  const open = new Map(first.map((one) => [one.readModel, new Map(one.differences)]))
  const settled = new Map(first.map((one) => [one.readModel, [] as Difference[]]))
  const began = performance.now()
  const stoodStillSince = new Map<string, number>()

  while ([...open.values()].some((differences) => differences.size > 0)) {
    const told = await options.waitUntilSearchable()
    const late = performance.now() - began > deadlineMs
    const sources = await loadSources(options.verification, options.sources)
    try {
      for (const [readModel, differences] of open) {
        const keys = [...differences.keys()]
        if (keys.length === 0) continue
        let expected: Map<string, Document>
        let found: Map<string, Document>
        try {
          expected = byKey(await recompute(options.verification, sources, readModel, keys))
          found = byKey(await readSome(client, readModel, keys))
        } catch (error) {
          failures.set(readModel, failureWords(readModel, error))
          settled.get(readModel)!.push(...differences.values())
          differences.clear()
          continue
        }
        for (const [key, before] of differences) {
          const now = difference(key, expected.get(key), found.get(key))
          const id = `${readModel}/${key}`
          if (!now) {
            differences.delete(key)
            continue
          }
          const still = sameSide(before.expected, now.expected) && (told || sameSide(before.found, now.found))
          if (!still) stoodStillSince.delete(id)
          else if (!stoodStillSince.has(id)) stoodStillSince.set(id, performance.now())
          const stoodMs = still ? performance.now() - stoodStillSince.get(id)! : 0
          if (late || (still && (told || stoodMs > STANDS_STILL_MS))) {
            differences.delete(key)
            settled.get(readModel)!.push(now)
          } else differences.set(key, now)
        }
      }
    } finally {
      await sources.close()
    }
    if (!told) await after(LOOK_AGAIN_MS)
  }
  return first.map(({ readModel, expected, found, differences }) => {
    const failure = failures.get(readModel)
    return {
      readModel,
      expected,
      found,
      differedAtFirst: differences.size,
      differences: settled.get(readModel)!,
      setAside: [],
      ...(failure !== undefined && { failure }),
    }
  })
}

function byKey(rows: readonly { readonly key: string; readonly document: Document }[]): Map<string, Document> {
  return new Map(rows.map(({ key, document }) => [key, document]))
}

function sameSide(a: Document | undefined, b: Document | undefined): boolean {
  return a === undefined || b === undefined ? a === b : same(a, b)
}
