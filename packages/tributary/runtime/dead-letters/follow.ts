import { setTimeout as after } from 'node:timers/promises'
import type { KafkaMessage } from 'kafkajs'
import type { KafkaAt } from '../kafka-at.ts'
import { readTopics } from '../topic-reader.ts'
import {
  type Letter,
  type LetterRecord,
  type OpenLetter,
  OpenLetters,
  readLetter,
  type StoredLetter,
} from './letter.ts'

/** Every application's open dead letters, as their topics say. */
export interface FollowedLetters {
  /** Whether all letters are known that were there when the reader first looked: of an application, or of all. */
  known(app?: string): boolean
  /** The applications whose letters can't be known because their topic, which is given, isn't there. */
  unread(): ReadonlyMap<string, string>
  /** The open letters by application, oldest first; applications without any are left out. */
  open(): ReadonlyMap<string, readonly OpenLetter[]>
  /** Where to read on in each partition of a dead-letter topic: everything before is known. */
  positions(topic: string): ReadonlyMap<number, bigint>
  /** Whether a letter's record was given up for good: it isn't set aside again when its topic is read again. */
  wasDropped(letter: Pick<Letter, 'app' | 'id' | 'topicId' | 'offset'>): boolean
  /** Called whenever letters came or were closed. */
  onChange(listener: () => void): void
  /** Called with the letters of an application that were open in a topic that was deleted and made anew. */
  onLost(listener: (letters: readonly OpenLetter[]) => void): void
  /** Why they can't be read now, or not all of them; undefined when all can. */
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
  brokers: KafkaAt,
  topics: ReadonlyMap<string, string>,
  clientId: string,
): FollowedLetters {
  const letters = new Map([...topics].map(([app, topic]) => [topic, { app, open: new OpenLetters() }]))
  const listeners = new Set<() => void>()
  const lostListeners = new Set<(letters: readonly OpenLetter[]) => void>()
  const reader = readTopics({
    brokers,
    clientId,
    topics: [...topics.values()],
    maxWaitMs: WAIT_MS,
    take({ topic, messages }) {
      const { open } = letters.get(topic)!
      for (const message of messages) open.take(recordOf(message))
      if (messages.length > 0) for (const listener of listeners) listener()
    },
    // A topic that was made anew begins without letters.
    begunAgain(topic) {
      const followed = letters.get(topic)!
      const lost = followed.open.all
      followed.open = new OpenLetters()
      if (lost.length > 0) for (const listener of lostListeners) listener(lost)
    },
  })
  return {
    known: (app) => reader.caughtUp(app === undefined ? undefined : (topics.get(app) ?? '')),
    unread: () => new Map(reader.missing().map((topic) => [letters.get(topic)!.app, topic])),
    open: () =>
      new Map(
        [...letters.values()].flatMap(({ app, open }) => {
          const all = open.all
          return all.length > 0 ? [[app, all] as const] : []
        }),
      ),
    wasDropped: (letter) => letters.get(topics.get(letter.app) ?? '')?.open.wasDropped(letter) ?? false,
    onChange: (listener) => void listeners.add(listener),
    onLost: (listener) => void lostListeners.add(listener),
    positions: reader.positions,
    trouble: reader.trouble,
    stop: reader.stop,
  }
}

/** What is known of open letters. */
export interface ReadLetters {
  /** By application, oldest first; applications without any are left out. */
  readonly open: ReadonlyMap<string, readonly OpenLetter[]>
  /** The applications whose letters can't be known because their topic, which is given, isn't there. */
  readonly unread: ReadonlyMap<string, string>
}

/** What is open now: reads all topics to their end once. Throws when that takes longer than `timeoutMs`. */
export async function readOpenLetters(
  brokers: KafkaAt,
  topics: ReadonlyMap<string, string>,
  clientId: string,
  timeoutMs = 15_000,
): Promise<ReadLetters> {
  const letters = followLetters(brokers, topics, clientId)
  const deadline = performance.now() + timeoutMs
  try {
    while (![...topics.keys()].every((app) => letters.known(app) || letters.unread().has(app))) {
      if (performance.now() > deadline)
        throw new Error(`dead letters can't be read: ${letters.trouble() ?? 'it takes too long'}`)
      await after(20)
    }
    return { open: letters.open(), unread: letters.unread() }
  } finally {
    await letters.stop()
  }
}

/** Reads a letter with its value and headers from where it stands. Throws when it isn't there (any more). */
export async function readLetterAt(
  brokers: KafkaAt,
  topic: string,
  { id, place }: Pick<OpenLetter, 'id' | 'place'>,
  clientId: string,
  timeoutMs = 15_000,
): Promise<StoredLetter> {
  let letter: StoredLetter | undefined
  const reader = readTopics({
    brokers,
    clientId,
    topics: [topic],
    maxWaitMs: 100,
    startAt: () => BigInt(place),
    take({ messages }) {
      const message = messages.find(({ offset }) => Number(offset) === place)
      const read = message && readLetter(recordOf(message))
      if (read && 'letter' in read && read.letter.id === id) letter = read.letter
    },
  })
  const deadline = performance.now() + timeoutMs
  try {
    while (letter === undefined && !reader.caughtUp() && reader.missing().length === 0) {
      if (performance.now() > deadline) break
      await after(20)
    }
    if (letter === undefined) {
      const why = reader.trouble() ?? (reader.caughtUp() ? 'it is no longer there' : 'it takes too long')
      throw new Error(`letter "${id}" can't be read at offset ${place} of "${topic}": ${why}`)
    }
    return letter
  } finally {
    await reader.stop()
  }
}

/** A record as the client gives it, with its headers in a list. */
function recordOf({ key, value, headers, offset }: KafkaMessage): LetterRecord & { readonly offset: number } {
  const named = Object.entries(headers ?? {}).flatMap(([name, content]) =>
    [content ?? []].flat().map((one) => [name, Buffer.from(one as Buffer)] as const),
  )
  return { key, value, headers: named, offset: Number(offset) }
}
