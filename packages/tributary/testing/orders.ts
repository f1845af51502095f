import { keyOf, type TopicRecord } from './records.ts'

/** Numbers from 0 up to 1 that look random and are the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * Another order in which a topology may meet the same records: those of one key of a topic stay in theirs, all else is
 * free, since keys lie in different partitions and topics are read side by side.
 */
export function reordered(records: readonly TopicRecord[], random: () => number): TopicRecord[] {
  const queueOf = (record: TopicRecord) => JSON.stringify([record.topic.name, keyOf(record)])
  const queues = Map.groupBy(records, queueOf)
  // The queues' turns, shuffled (Fisher-Yates): every order is as likely as another.
  const turns = records.map(queueOf)
  for (let last = turns.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    ;[turns[last], turns[other]] = [turns[other]!, turns[last]!]
  }
  return turns.map((turn) => queues.get(turn)!.shift()!)
}
