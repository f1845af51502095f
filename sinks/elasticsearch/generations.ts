import { type Client, errors } from '@elastic/elasticsearch'
import type { ReadModel } from '#sinks/read-models/index.ts'
import { compileIndex, DELETED, definitionHash } from '#sinks/read-models/mapping.ts'

/** What an index says about itself in its mapping's `_meta`. */
export interface IndexMeta {
  readonly readModel: string
  readonly topic: string
  /** The topic's id: another one means another topic of the same name. */
  readonly topicId: string
  readonly generation: number
  /** Hash of the definition it was built from. */
  readonly definition: string
  /** When the sink last worked on it, RFC 3339. */
  readonly aliveAt: string
}

/** An index of a read model. */
export interface Generation extends IndexMeta {
  readonly index: string
  /** The alias the sink writes through. */
  readonly writeAlias: string
}

const writeAliasOf = (index: string) => `${index}.write`

/** All indices the sink made for a read model, the newest generation first. */
export async function generationsOf(client: Client, readModel: string): Promise<Generation[]> {
  const mappings = await client.indices.getMapping({
    index: `${readModel}-*`,
    expand_wildcards: 'all',
    allow_no_indices: true,
  })
  return Object.entries(mappings)
    .map(([index, { mappings: found }]) => ({ index, meta: found._meta as unknown as IndexMeta | undefined }))
    .filter(({ meta }) => meta?.readModel === readModel)
    .map(({ index, meta }) => ({ ...meta!, index, writeAlias: writeAliasOf(index) }))
    .sort((a, b) => b.generation - a.generation)
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
  if (now - Date.parse(newest.aliveAt) > absenceMs) return no(`the sink was away since ${newest.aliveAt}`)
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
  }
  const { settings, mappings } = compileIndex(model)
  await client.indices.create({
    index,
    wait_for_active_shards: 1,
    settings: settings as never,
    mappings: { ...mappings, _meta: meta } as never,
    aliases: { [writeAliasOf(index)]: {} },
  })
  return { ...meta, index, writeAlias: writeAliasOf(index) }
}

/** Notes in the index that the sink is at work on it. */
export async function noteAlive(client: Client, generation: Generation, now: number): Promise<void> {
  const { index, writeAlias: _, ...meta } = generation
  await client.indices.putMapping({ index, _meta: { ...meta, aliveAt: new Date(now).toISOString() } as never })
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
 * The id of a read model's newest index where that is what readers see; undefined while they have none, or an older one.
 * An index that was lost and made again has another id, whatever its name.
 */
export async function currentIndex(client: Client, readModel: string): Promise<string | undefined> {
  const found = await client.indices.get({
    index: `${readModel}-*`,
    expand_wildcards: 'all',
    allow_no_indices: true,
    filter_path: ['*.aliases', '*.mappings._meta', '*.settings.index.uuid'],
  })
  const indices = Object.values(found)
    .map(({ aliases, mappings, settings }) => ({
      meta: mappings?._meta as unknown as IndexMeta | undefined,
      served: aliases !== undefined && readModel in aliases,
      id: (settings?.index as { uuid?: string } | undefined)?.uuid,
    }))
    .filter(({ meta }) => meta?.readModel === readModel)
    .sort((a, b) => b.meta!.generation - a.meta!.generation)
  return indices[0]?.served ? indices[0].id : undefined
}

/**
 * Lets readers see this generation, hiding delete markers, and drops the older ones. The alias moves in one step:
 * no reader ever finds none or two.
 */
export async function serve(client: Client, generation: Generation): Promise<void> {
  const { readModel, index } = generation
  const older = (await generationsOf(client, readModel)).filter((g) => g.generation < generation.generation)
  await client.indices.updateAliases({
    actions: [
      ...older.map((g) => ({ remove: { index: g.index, alias: readModel, must_exist: false } })),
      { add: { index, alias: readModel, filter: { bool: { must_not: { exists: { field: DELETED } } } } } },
    ],
  })
  for (const g of older) await client.indices.delete({ index: g.index, ignore_unavailable: true })
}
