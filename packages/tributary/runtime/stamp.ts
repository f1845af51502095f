/**
 * What a processor keeps beside its position in its exchange topic, in the same commit: which commit that was, and by
 * which ids it knew the topics that its state is of. A topic that was deleted and made again has another id (KIP-516).
 * Whoever reads the group's positions can tell from it whether they are positions in the topics that there are now.
 */
export interface Stamp {
  readonly commit: string
  /**
   * Ids by name: of its changelog, of the rows topics it reads, and of those it writes. An empty id is that of a topic
   * whose rows are still being written again. Stamps of an older format name none.
   */
  readonly topics: ReadonlyMap<string, string>
}

/** A stamp as the metadata of a committed offset, of which a broker takes 4,096 bytes. */
export function writeStamp({ commit, topics }: Stamp): string {
  return `${commit} ${JSON.stringify(Object.fromEntries(topics))}`
}

/** The stamp in the metadata of a committed offset. */
export function readStamp(metadata: string): Stamp {
  const at = metadata.indexOf(' ')
  if (at < 0) return { commit: metadata, topics: new Map() }
  const commit = metadata.slice(0, at)
  try {
    return { commit, topics: new Map(Object.entries(JSON.parse(metadata.slice(at + 1)) as Record<string, string>)) }
  } catch {
    return { commit, topics: new Map() }
  }
}
