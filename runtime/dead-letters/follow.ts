import { readTopics } from '../topic-reader.ts'
import { type Letter, OpenLetters, type StoredLetter } from './letter.ts'

/** Every application's open dead letters, as their topics say. */
export interface FollowedLetters {
  /** Whether all letters are known that were there when the reader first looked. */
  known(): boolean
  /** The open letters by application, oldest first; applications without any are left out. */
  open(): ReadonlyMap<string, readonly StoredLetter[]>
  /** Where to read on in each partition of a dead-letter topic: everything before is known. */
  positions(topic: string): ReadonlyMap<number, bigint>
  /** Whether a letter's record was given up for good: it isn't set aside again when its topic is read again. */
  wasDropped(letter: Pick<Letter, 'app' | 'id' | 'topicId' | 'offset'>): boolean
  /** Called whenever letters came or were closed. */
  onChange(listener: () => void): void
  /** Why they can't be read now, or undefined. */
  trouble(): string | undefined
  stop(): Promise<void>
}

const WAIT_MS = 1_000

/**
 * Follows dead-letter topics from their beginning, committed records only. It is in no group and commits nothing:
 * everybody who asks knows all of them.
 * @param topics names of the dead-letter topics, by application
 */
export function followLetters(
  brokers: readonly string[],
  topics: ReadonlyMap<string, string>,
  clientId: string,
): FollowedLetters {
  const letters = new Map([...topics].map(([app, topic]) => [topic, { app, open: new OpenLetters() }]))
  const listeners = new Set<() => void>()
  const reader = readTopics({
    brokers,
    clientId,
    topics: [...topics.values()],
    maxWaitMs: WAIT_MS,
    take({ topic, messages }) {
      const { open } = letters.get(topic)!
      for (const { key, value, headers, offset } of messages) {
        const named = Object.entries(headers ?? {}).flatMap(([name, content]) =>
          [content ?? []].flat().map((one) => [name, Buffer.from(one as Buffer)] as const),
        )
        open.take({ key, value, headers: named, offset: Number(offset) })
      }
      if (messages.length > 0) for (const listener of listeners) listener()
    },
    // A topic that was made anew begins without letters.
    begunAgain(topic) {
      letters.get(topic)!.open = new OpenLetters()
    },
  })
  return {
    known: reader.caughtUp,
    open: () =>
      new Map(
        [...letters.values()].flatMap(({ app, open }) => {
          const all = open.all
          return all.length > 0 ? [[app, all] as const] : []
        }),
      ),
    wasDropped: (letter) => letters.get(topics.get(letter.app) ?? '')?.open.wasDropped(letter) ?? false,
    onChange: (listener) => void listeners.add(listener),
    positions: reader.positions,
    trouble: reader.trouble,
    stop: reader.stop,
  }
}

/** What is open now: reads all topics to their end once. Throws when that takes longer than `timeoutMs`. */
export async function readOpenLetters(
  brokers: readonly string[],
  topics: ReadonlyMap<string, string>,
  clientId: string,
  timeoutMs = 15_000,
): Promise<ReadonlyMap<string, readonly StoredLetter[]>> {
  const letters = followLetters(brokers, topics, clientId)
  const deadline = performance.now() + timeoutMs
  try {
    while (!letters.known()) {
      if (performance.now() > deadline)
        throw new Error(`dead letters can't be read: ${letters.trouble() ?? 'it takes too long'}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    return letters.open()
  } finally {
    await letters.stop()
  }
}
