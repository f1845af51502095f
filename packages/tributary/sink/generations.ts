import { type Client, errors } from '@elastic/elasticsearch'
import { compileIndex, DELETED, definitionHash } from '#read-models/mapping'
import type { ReadModel } from '#read-models/read-model'
import { GENERATIONS } from './version.ts'

/** What an index says about itself in its mapping's `_meta`. */
export interface IndexMeta {
  readonly readModel: string
  readonly topic: string
  /** The topic's id: another one means another topic of the same name. */
  readonly topicId: string
  readonly generation: number
  /** Hash of the definition it was built from. */
  readonly definition: string
  /** When the sink had last caught up, RFC 3339. */
  readonly aliveAt: string
  /** How often it noted so: a copy that was put back from an earlier time has noted it less often. */
  readonly notes?: number
}

/** An index of a read model. */
export interface Generation extends IndexMeta {
  readonly index: string
  /** The alias the sink writes through. */
  readonly writeAlias: string
  readonly notes: number
  /**
   * Which index it is, whatever its name: another one was made in its place, or its content was put back from a
   * snapshot, when this differs.
   */
  readonly id: string
}

const writeAliasOf = (index: string) => `${index}.write`

/** The generation that an index's name says; undefined where it isn't a name that the sink gives. */
function generationOf(index: string, readModel: string): number | undefined {
  if (!index.startsWith(`${readModel}-`)) return undefined
  const text = index.slice(readModel.length + 1)
  const generation = Number(text)
  return /^[1-9][0-9]{0,3}$/.test(text) && generation < GENERATIONS ? generation : undefined
}

/** The index of a read model, and everything near it, as it is now. */
export interface Indices {
  /** The sink's own, the newest generation first. A copy of one isn't, though it carries its `_meta`. */
  readonly own: readonly Generation[]
  /** The number of the next generation: no index of that name exists. */
  readonly next: number
  /** Every index that an alias of the read model leads to, by alias. */
  readonly aliases: ReadonlyMap<string, readonly string[]>
  /** The settings of each index, by their full names. */
  readonly settings: ReadonlyMap<string, Readonly<Record<string, unknown>>>
}

interface Found {
  readonly aliases?: Readonly<Record<string, unknown>>
  readonly mappings?: { readonly _meta?: unknown }
  readonly settings?: Readonly<Record<string, unknown>>
}

/** Looks at all indices that are a read model's, or look like it. */
export async function lookAt(client: Client, readModel: string): Promise<Indices> {
  const found = (await client.indices.get({
    index: `${readModel},${readModel}-*`,
    expand_wildcards: 'all',
    allow_no_indices: true,
    ignore_unavailable: true,
    flat_settings: true,
    filter_path: ['*.aliases', '*.mappings._meta', '*.settings'],
  })) as Readonly<Record<string, Found>>
  const own: Generation[] = []
  const aliases = new Map<string, string[]>()
  const taken = new Set<number>()
  for (const [index, { aliases: names = {}, mappings, settings = {} }] of Object.entries(found)) {
    for (const alias of Object.keys(names)) aliases.set(alias, [...(aliases.get(alias) ?? []), index])
    const number = generationOf(index, readModel)
    if (number === undefined) continue
    taken.add(number)
    const meta = mappings?._meta as IndexMeta | undefined
    if (meta?.readModel !== readModel || meta.generation !== number) continue
    // A snapshot that is restored into an index leaves its uuid and gives it another history.
    const id = [settings['index.uuid'], settings['index.history.uuid']].filter(Boolean).join('/')
    own.push({ ...meta, notes: meta.notes ?? 0, index, writeAlias: writeAliasOf(index), id })
  }
  own.sort((a, b) => b.generation - a.generation)
  const settings = new Map(Object.entries(found).map(([index, { settings = {} }]) => [index, settings]))
  return { own, next: freeAfter(own[0]?.generation ?? 0, taken), aliases, settings }
}

/** The next number that no index has: those of others are passed over. */
function freeAfter(last: number, taken: ReadonlySet<number>): number {
  let next = last + 1
  while (taken.has(next)) next++
  return next
}

/** All indices the sink made for a read model, the newest generation first. */
export async function generationsOf(client: Client, readModel: string): Promise<Generation[]> {
  return [...(await lookAt(client, readModel)).own]
}

/**
 * The generation that goes on being fed, or undefined when a new one has to be built: there is none, the topic is
 * another one, the definition changed, or the sink was away for so long that tombstones may be gone from the topic.
 * @param absenceMs after how long an absence the topic can't be trusted to hold every tombstone, in ms
 */
export function stillFits(
  newest: Generation | undefined,
  model: ReadModel,
  topicId: string,
  now: number,
  absenceMs: number,
): { readonly fits: true } | { readonly fits: false; readonly why: string } {
  const no = (why: string) => ({ fits: false, why }) as const
  if (!newest) return no('there is no index yet')
  if (newest.topicId !== topicId) return no(`topic "${model.topic.name}" was created anew`)
  if (newest.definition !== definitionHash(model)) return no('the definition changed')
  if (now - Date.parse(newest.aliveAt) > absenceMs) return no(`the sink had last caught up at ${newest.aliveAt}`)
  return { fits: true }
}

/** Makes the index of the next generation, empty and without readers. */
export async function createGeneration(
  client: Client,
  model: ReadModel,
  topicId: string,
  generation: number,
): Promise<Generation> {
  const index = `${model.name}-${generation}`
  const meta: IndexMeta = {
    readModel: model.name,
    topic: model.topic.name,
    topicId,
    generation,
    definition: definitionHash(model),
    aliveAt: new Date().toISOString(),
    notes: 0,
  }
  const { settings, mappings } = compileIndex(model)
  await client.indices.create({
    index,
    wait_for_active_shards: 1,
    settings: settings as never,
    mappings: { ...mappings, _meta: meta } as never,
    aliases: { [writeAliasOf(index)]: {} },
  })
  const made = (await generationsOf(client, model.name)).find((one) => one.index === index)
  if (!made) throw new Error(`index "${index}" was made and is gone again`)
  return made
}

/** Notes in the index that the sink had caught up then; gives the generation with the note. */
export async function noteAlive(client: Client, generation: Generation, now: number): Promise<Generation> {
  const { index, writeAlias: _, id: __, ...meta } = generation
  const noted = { ...meta, aliveAt: new Date(now).toISOString(), notes: meta.notes + 1 }
  await client.indices.putMapping({ index, _meta: noted as never })
  return { ...generation, ...noted }
}

/** The index readers of the read model see, or undefined. */
export async function servedIndex(client: Client, readModel: string): Promise<string | undefined> {
  try {
    return Object.keys(await client.indices.getAlias({ name: readModel }))[0]
  } catch (error) {
    if (error instanceof errors.ResponseError && error.statusCode === 404) return undefined
    throw error
  }
}

/**
 * The id of a read model's newest index where that, and nothing else, is what readers see; undefined while they have
 * none, or an older one. An index that was lost and made again has another id, whatever its name.
 */
export async function currentIndex(client: Client, readModel: string): Promise<string | undefined> {
  const { own, aliases } = await lookAt(client, readModel)
  const served = aliases.get(readModel) ?? []
  return served.length === 1 && served[0] === own[0]?.index ? own[0]?.id : undefined
}

/**
 * Lets readers see this generation alone, hiding delete markers, and drops the older ones. The alias moves in one step:
 * no reader ever finds none or two. Indices of others lose the alias, which isn't theirs, and nothing else.
 * @throws Error when an index stands where the alias should be
 */
export async function serve(client: Client, generation: Generation): Promise<void> {
  const { readModel, index } = generation
  const { own, aliases, settings } = await lookAt(client, readModel)
  if (settings.has(readModel))
    throw new Error(
      `an index is named "${readModel}", as the alias of the read model: reindex it elsewhere and delete it`,
    )
  const others = (aliases.get(readModel) ?? []).filter((other) => other !== index)
  await client.indices.updateAliases({
    actions: [
      ...others.map((other) => ({ remove: { index: other, alias: readModel, must_exist: false } })),
      { add: { index, alias: readModel, filter: { bool: { must_not: { exists: { field: DELETED } } } } } },
    ],
  })
  for (const older of own.filter((g) => g.generation < generation.generation))
    await client.indices.delete({ index: older.index, ignore_unavailable: true })
}

/** Gives the sink's own alias back to the index alone, wherever else it leads. */
export async function restoreWriteAlias(client: Client, { index, writeAlias }: Generation, leadsTo: readonly string[]) {
  await client.indices.updateAliases({
    actions: [
      ...leadsTo.filter((other) => other !== index).map((other) => ({ remove: { index: other, alias: writeAlias } })),
      { add: { index, alias: writeAlias } },
    ],
  })
}
