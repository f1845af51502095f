import { setTimeout as after } from 'node:timers/promises'
import type { Kafka, KafkaMessage, Producer } from 'kafkajs'
import { sinkApp } from '#contracts/apps'
import { deadLettersOf } from '#contracts/topic'
import { followLetters } from '#runtime/dead-letters/follow'
import {
  type Closing,
  closingRecord,
  type Letter,
  type LetterRecord,
  letterId,
  letterRecord,
  type OpenLetter,
  type Reason,
  withoutValue,
} from '#runtime/dead-letters/letter'
import type { KafkaAt } from '#runtime/kafka-at'

const AGAIN_MS = 1_000
/** Of a letter that isn't in its topic. */
const UNWRITTEN = -1

/** A record that is set aside, with where it stands. */
export interface SetAside {
  readonly topic: string
  /** Of the topic by that name that its index is made from. */
  readonly topicId: string
  readonly partition: number
  readonly message: KafkaMessage
  readonly reason: Reason
  /** What is wrong with it, for a person. */
  readonly explanation: string
}

/** The sink's dead letters: those that are open, and how some are added and closed. */
export interface Letters {
  /** Resolves when they are stored. What is open already, or was dropped, isn't stored again. */
  setAside(records: readonly SetAside[]): Promise<void>
  /** Whether a record of that topic is open: only then are those that are applied worth a look. */
  anyOf(topic: string): boolean
  /** Closes the letters of these records' keys that stand before them, for the index holds what is newer. */
  applied(topic: string, partition: number, messages: readonly KafkaMessage[]): Promise<void>
  /** Closes the letters of those topics of this name that were there before this one: their records are gone. */
  topicReplaced(topic: string, topicId: string): Promise<void>
  open(): readonly OpenLetter[]
  /** Resolves once it is known what is open, or after `timeoutMs`. */
  known(timeoutMs: number): Promise<void>
  close(): Promise<void>
}

/** Follows the sink's dead-letter topic, and opens it for writing with the first letter. */
export function openLetters(kafka: Kafka, brokers: KafkaAt): Letters {
  const { name: topic } = deadLettersOf(sinkApp)
  const followed = followLetters(brokers, new Map([[sinkApp, topic]]), 'tributary-sink-letters')
  /** What this process wrote and didn't read back yet. */
  const added = new Map<string, OpenLetter>()
  const closed = new Set<string>()
  const stopped = new AbortController()
  let producer: Promise<Producer> | undefined
  followed.onChange(() => {
    const ids = new Set(stored().map(({ id }) => id))
    for (const id of closed) if (!ids.has(id)) closed.delete(id)
  })
  followed.onLost((lost) => {
    const all = [...lost.filter(({ id }) => !closed.has(id)), ...added.values()]
    const unwritten = all.map((letter) => ({ ...letter, place: UNWRITTEN }))
    for (const letter of unwritten) added.set(letter.id, letter)
    void writeAgain(unwritten)
  })
  const stored = () => followed.open().get(sinkApp) ?? []
  /** What was read back may have been closed since: the topic tells. */
  const unread = () => {
    const readUpTo = Number(followed.positions(topic).get(0) ?? 0n)
    for (const [id, { place }] of added) if (place !== UNWRITTEN && place < readUpTo) added.delete(id)
    return added.values()
  }
  const open = () => [...stored(), ...unread()].filter(({ id }) => !closed.has(id))

  /** Gives the place of the first of them in the topic. */
  async function write(records: readonly LetterRecord[]): Promise<number> {
    if (records.length === 0) return 0
    producer ??= connect(kafka)
    try {
      const messages = records.map(({ key, value, headers }) => ({ key, value, headers: Object.fromEntries(headers) }))
      const [written] = await (await producer).send({ topic, acks: -1, messages })
      return Number(written!.baseOffset)
    } catch (error) {
      // An idempotent producer doesn't get over some errors: the next attempt has another one.
      const failed = producer
      producer = undefined
      await failed.then((it) => it.disconnect()).catch(() => {})
      throw error
    }
  }

  /** What was open in a dead-letter topic that is no more, but for values, which only that topic had. */
  async function writeAgain(lost: readonly OpenLetter[]): Promise<void> {
    while (!stopped.signal.aborted) {
      const left = lost.filter((letter) => added.get(letter.id) === letter)
      try {
        const first = await write(left.map(withoutItsValue))
        for (const [i, letter] of left.entries()) {
          if (added.get(letter.id) === letter) added.set(letter.id, { ...letter, place: first + i })
        }
        return
      } catch {
        await after(AGAIN_MS, undefined, { signal: stopped.signal }).catch(() => {})
      }
    }
  }

  async function shut(
    letters: readonly OpenLetter[],
    closing: (letter: OpenLetter) => Pick<Closing, 'outcome' | 'message'>,
  ) {
    const now = new Date()
    await write(letters.map((letter) => closingRecord({ id: letter.id, app: sinkApp, ...closing(letter) }, now)))
    for (const { id } of letters) {
      if (!added.delete(id)) closed.add(id)
    }
  }

  return {
    async setAside(records) {
      // Otherwise what was dropped would be open again.
      if (!followed.known())
        throw new Error(`which letters are open isn't known: ${followed.trouble() ?? 'they are being read'}`)
      const known = new Set(open().map(nameOf))
      const letters = records
        .map(letterOf)
        .filter((letter) => !known.has(nameOf(letter)) && !followed.wasDropped(letter))
      const now = new Date()
      const first = await write(letters.map((letter) => letterRecord(letter, now)))
      for (const [i, letter] of letters.entries()) {
        closed.delete(letter.id)
        added.set(letter.id, withoutValue({ ...letter, at: now.toISOString(), place: first + i }))
      }
    },
    anyOf: (name) => open().some((letter) => letter.topic === name),
    async applied(name, partition, messages) {
      const newest = new Map(messages.map(({ key, offset }) => [bytesOf(key), Number(offset)]))
      const appliedAfter = ({ key }: OpenLetter) => (key === null ? undefined : newest.get(bytesOf(Buffer.from(key))))
      const passed = open().filter((letter) => {
        if (letter.topic !== name || letter.partition !== partition || letter.keyBytes !== undefined) return false
        return (appliedAfter(letter) ?? -1) >= letter.offset
      })
      await shut(passed, (letter) =>
        appliedAfter(letter) === letter.offset
          ? { outcome: 'replayed', message: 'the record was read again and applied' }
          : { outcome: 'superseded', message: `the record of the same key at ${appliedAfter(letter)} was applied` },
      )
    },
    async topicReplaced(name, topicId) {
      const gone = open().filter((letter) => letter.topic === name && letter.topicId !== topicId)
      await shut(gone, () => ({ outcome: 'superseded', message: 'its topic was created anew' }))
    },
    open,
    async known(timeoutMs) {
      const deadline = performance.now() + timeoutMs
      while (!followed.known() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20))
    },
    async close() {
      stopped.abort()
      await followed.stop()
      await producer?.then((it) => it.disconnect()).catch(() => {})
    },
  }
}

async function connect(kafka: Kafka): Promise<Producer> {
  const producer = kafka.producer({ allowAutoTopicCreation: false, idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  return producer
}

function bytesOf(key: Buffer | null): string {
  return key?.toString('latin1') ?? ''
}

function withoutItsValue(letter: OpenLetter): LetterRecord {
  const message = `${letter.message} (its value was lost with the dead-letter topic)`
  const at = Date.parse(letter.at)
  // Others may have written what is no time.
  return letterRecord({ ...letter, message, value: null, headers: [] }, new Date(Number.isNaN(at) ? Date.now() : at))
}

/** Of two topics of the same name, other records stand at the same places. */
const nameOf = ({ id, topicId }: Pick<Letter, 'id' | 'topicId'>) => `${topicId ?? ''}/${id}`

/** A record as a letter says it. */
export function letterOf({ topic, topicId, partition, message, reason, explanation }: SetAside): Letter {
  const headers = Object.entries(message.headers ?? {}).flatMap(([name, content]) =>
    [content ?? []].flat().map((one) => [name, Buffer.from(one as Buffer)] as const),
  )
  return {
    id: letterId(topic, partition, Number(message.offset), message.key),
    app: sinkApp,
    topic,
    topicId,
    partition,
    offset: Number(message.offset),
    timestamp: Number(message.timestamp),
    reason,
    message: explanation,
    key: message.key,
    value: message.value,
    headers,
  }
}
