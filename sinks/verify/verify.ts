import { readFileSync } from 'node:fs'
import { setTimeout as after } from 'node:timers/promises'
import type { Client } from '@elastic/elasticsearch'
import type { ReadModelName } from '#schemas/topics.ts'
import type { Document } from '#sinks/read-models/document.ts'
import { addTo, type Difference, difference, noTotals, same, type Totals } from './compare.ts'
import { loadSources, type SourceSettings, type Sources } from './load.ts'
import { readAll, readSome } from './read-index.ts'

/** What was found of one read model. */
export interface Verified {
  readonly readModel: ReadModelName
  /** What the services' rows give, and what the index holds, at the first look. */
  readonly expected: Totals
  readonly found: Totals
  /** How many keys differed at the first look; what was merely on its way agrees later. */
  readonly differedAtFirst: number
  /** What differs for good. */
  readonly differences: readonly Difference[]
}

export interface VerifyOptions {
  readonly sources: SourceSettings
  readonly client: Client
  readonly readModels: readonly ReadModelName[]
  /**
   * Resolves with true when everything committed before the call is searchable, with false when nobody can tell.
   * A difference that outlives it, while the services' rows stay as they are, is one for good.
   */
  waitUntilSearchable(): Promise<boolean>
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
  const { client, readModels } = options
  const sources = await loadSources(options.sources)
  const first: FirstLook[] = []
  try {
    for (const readModel of readModels) first.push(await look(sources, client, readModel))
  } finally {
    await sources.close()
  }
  return settle(first, options)
}

interface FirstLook {
  readonly readModel: ReadModelName
  readonly expected: Totals
  readonly found: Totals
  readonly differences: ReadonlyMap<string, Difference>
}

/** Compares all documents of a read model once. */
async function look(sources: Sources, client: Client, readModel: ReadModelName): Promise<FirstLook> {
  const expected = noTotals()
  const found = noTotals()
  const differences = new Map<string, Difference>()
  const left = new Map<string, Document>()
  for (const { key, document } of await recompute(sources, readModel)) {
    left.set(key, document)
    addTo(expected, document)
  }
  for await (const page of readAll(client, readModel)) {
    for (const { key, document } of page) {
      addTo(found, document)
      const differs = difference(key, left.get(key), document)
      if (differs) differences.set(key, differs)
      left.delete(key)
    }
  }
  for (const [key, document] of left) differences.set(key, difference(key, document)!)
  return { readModel, expected, found, differences }
}

/** Looks at the differing keys of all read models again and again, each time at fresh copies of the rows. */
async function settle(first: readonly FirstLook[], options: VerifyOptions): Promise<Verified[]> {
  const { client, deadlineMs } = options
  const open = new Map(first.map((one) => [one.readModel, new Map(one.differences)]))
  const settled = new Map(first.map((one) => [one.readModel, [] as Difference[]]))
  const began = performance.now()
  const stoodStillSince = new Map<string, number>()

  while ([...open.values()].some((differences) => differences.size > 0)) {
    const told = await options.waitUntilSearchable()
    const late = performance.now() - began > deadlineMs
    const sources = await loadSources(options.sources)
    try {
      for (const [readModel, differences] of open) {
        const keys = [...differences.keys()]
        if (keys.length === 0) continue
        const expected = byKey(await recompute(sources, readModel, keys))
        const found = byKey(await readSome(client, readModel, keys))
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
    return { readModel, expected, found, differedAtFirst: differences.size, differences: settled.get(readModel)! }
  })
}

async function recompute(sources: Sources, readModel: ReadModelName, keys?: readonly string[]) {
  const sql = readFileSync(new URL(`./${readModel}.sql`, import.meta.url), 'utf8')
  const wanted = keys ? [keys] : []
  return sources.query<{ key: string; document: Document }>(
    `select * from (${sql}) recomputed ${keys ? 'where key = any($1)' : ''}`,
    wanted,
  )
}

function byKey(rows: readonly { readonly key: string; readonly document: Document }[]): Map<string, Document> {
  return new Map(rows.map(({ key, document }) => [key, document]))
}

function sameSide(a: Document | undefined, b: Document | undefined): boolean {
  return a === undefined || b === undefined ? a === b : same(a, b)
}
