/** The settings behind the blocks that an error names by number: `blocked by: [FORBIDDEN/8/index write (api)]`. */
const BLOCKS: Readonly<Record<string, { readonly setting: string; readonly of: 'index' | 'cluster'; why?: string }>> = {
  4: { setting: 'closed', of: 'index' },
  5: { setting: 'index.blocks.read_only', of: 'index' },
  6: { setting: 'cluster.blocks.read_only', of: 'cluster' },
  8: { setting: 'index.blocks.write', of: 'index' },
  9: { setting: 'index.blocks.metadata', of: 'index' },
  12: {
    setting: 'index.blocks.read_only_allow_delete',
    of: 'index',
    why: 'Elasticsearch sets it by itself when the disk is nearly full: make room first',
  },
  13: { setting: 'cluster.blocks.read_only_allow_delete', of: 'cluster' },
}

/** What is wrong with an index, in words that name a setting, and what mends it. */
export interface Ailment {
  readonly what: string
  readonly remedy?: string
}

/**
 * What a person does about an index that takes no documents, by the reason Elasticsearch gives.
 * @param index its name
 * @param reason as `reasonOf` gives it
 */
export function ailmentOf(index: string, reason: string): Ailment {
  const block = BLOCKS[/\[[A-Z_]+\/(\d+)\//.exec(reason)?.[1] ?? '']
  if (block) return blocked(index, block)
  if (reason.includes('index_closed_exception')) return closed(index)
  const pipeline = /pipeline with id \[([^\]]*)\] does not exist/.exec(reason)?.[1]
  if (pipeline !== undefined) {
    return {
      what: `its ingest pipeline "${pipeline}" doesn't exist (index.default_pipeline or index.final_pipeline)`,
      remedy: `create the pipeline, or ${put(index, { 'index.default_pipeline': null, 'index.final_pipeline': null })}`,
    }
  }
  const limit = /\[(index\.mapping\.[a-z_.]+)\]/.exec(reason)?.[1]
  if (limit) return { what: `its limit ${limit} was lowered`, remedy: `raise it: ${put(index, { [limit]: 200_000 })}` }
  return { what: reason }
}

/** What an index's settings will refuse or change, whether documents are waiting for it or not. */
export function ailmentsOf(index: string, settings: Readonly<Record<string, unknown>>): Ailment[] {
  const set = (name: string) => {
    const value = settings[name]
    return value !== undefined && value !== 'false' && value !== false && value !== '_none' && value !== ''
  }
  const blocks = Object.values(BLOCKS).filter(({ of, setting }) => of === 'index' && set(setting))
  const found = blocks.map((block) => blocked(index, block))
  if (set('index.verified_before_close')) found.push(closed(index))
  for (const name of ['index.default_pipeline', 'index.final_pipeline'].filter(set)) {
    found.push({
      what: `documents pass the ingest pipeline "${settings[name]}" (${name}) and may not be what the topic says`,
      remedy: put(index, { [name]: null }),
    })
  }
  return found
}

function blocked(index: string, { setting, of, why }: (typeof BLOCKS)[string]): Ailment {
  if (setting === 'closed') return closed(index)
  const remedy =
    of === 'index' ? put(index, { [setting]: null }) : `PUT /_cluster/settings {"persistent":{"${setting}":null}}`
  return { what: `it is blocked by ${setting}${why ? ` (${why})` : ''}`, remedy }
}

function closed(index: string): Ailment {
  return { what: 'it is closed', remedy: `POST /${index}/_open` }
}

function put(index: string, settings: object): string {
  return `PUT /${index}/_settings ${JSON.stringify(settings)}`
}
