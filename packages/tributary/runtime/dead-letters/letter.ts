import { createHash } from 'node:crypto'

/**
 * The one format of a dead letter, whoever sets a record aside: a processor, the sink, a subscriber's inbox.
 *
 * A dead-letter topic (`<app>.dead-letters`, one partition, kept for ever) is a log of two kinds of records: a *letter*
 * says that something was set aside, a *closing* that it was dealt with. A letter without a closing is open. What is
 * open is therefore known to everybody who reads the topic (committed records only), without anybody's state.
 */

/** Why a record was set aside. One vocabulary for all; `dl_reason` on the wire. */
export type Reason =
  /** The bytes aren't a value in the registry's wire format, or not of the schema they name. */
  | 'unreadable'
  /** The registry has no schema of that id. */
  | 'unknown-schema'
  /** A value of a type that doesn't belong on the topic. */
  | 'unexpected-type'
  /** The record has no key. */
  | 'no-key'
  /** Its key can't be carried on: no UTF-8, too long for an `_id`, or not the key of its value. */
  | 'bad-key'
  /** A function of the author (a topology's projection, a subscriber's handler) threw. */
  | 'author-error'
  /** The row that was made can't be written: it doesn't fit its schema, or is larger than a record may be. */
  | 'invalid-row'
  /** Elasticsearch refused the document for a reason of its own. */
  | 'refused'

/** Where a letter comes from and what it says. */
export interface Letter {
  /** See `letterId`. */
  readonly id: string
  readonly app: string
  /** Topic of the record; for a row inside a topology its operator, as `operator:<name>`. */
  readonly topic: string
  /**
   * Which topic of that name it was, by the id that the cluster gave it: said by whoever may read the same topic again and
   * must leave out what was dropped. Records of a topic made anew are others at the same places.
   */
  readonly topicId?: string
  readonly partition: number
  /** -1 where there is no record, as for a row inside a topology. */
  readonly offset: number
  /** Of the record, in ms since 1970. */
  readonly timestamp: number
  readonly reason: Reason
  /** For a person: what is wrong with it. */
  readonly message: string
  readonly key: Buffer | string | null
  readonly value: Buffer | null
  readonly headers: readonly (readonly [string, Buffer])[]
}

/** How a letter was dealt with. */
export type Outcome =
  /** Worked on after all, in its place among the records of its key. */
  | 'replayed'
  /** Given up by somebody, with a reason. */
  | 'dropped'
  /** A later record of its key took its place. */
  | 'superseded'

/** That a letter was dealt with. */
export interface Closing {
  /** Of the letter. */
  readonly id: string
  readonly app: string
  readonly outcome: Outcome
  /** Why, for a person. */
  readonly message: string
}

/** What a client needs to write a record. */
export interface LetterRecord {
  readonly key: Buffer | string | null
  readonly value: Buffer | null
  readonly headers: readonly (readonly [string, Buffer])[]
}

/**
 * Key, value and the record's own headers are kept up to so many bytes together; the rest is cut, with its length and
 * hash in the headers. Far below what a broker takes by default (1 MiB), so that a dead letter always fits.
 */
export const MOST_BYTES = 256 * 1024
const MOST_MESSAGE_CHARACTERS = 2_000
/** A header of a letter: what is longer is cut too. */
const MOST_TEXT_BYTES = 1_024

/** A letter's identity: the place of its record, or the operator and the key of its row. The same fault found twice is one letter. */
export function letterId(topic: string, partition: number, offset: number, key: Buffer | string | null): string {
  if (offset >= 0) return `${topic}/${partition}/${offset}`
  return `${topic}/${partition}/${hashOf(Buffer.from(key ?? '')).slice(0, 16)}`
}

/** The dead-letter topic's record of a letter. It fits every broker, whatever was set aside. */
export function letterRecord(letter: Letter, now: Date): LetterRecord {
  const notes: Record<string, string> = {
    dl_id: letter.id,
    dl_app: letter.app,
    dl_topic: letter.topic,
    ...(letter.topicId !== undefined && { dl_topic_id: letter.topicId }),
    dl_partition: String(letter.partition),
    dl_offset: String(letter.offset),
    dl_timestamp: String(letter.timestamp),
    dl_reason: letter.reason,
    dl_message: wellFormed(letter.message.slice(0, MOST_MESSAGE_CHARACTERS)),
    dl_at: now.toISOString(),
  }
  let room = MOST_BYTES
  const cut = <T extends Buffer | null>(name: string, bytes: T, most = room): T => {
    if (bytes === null) return bytes
    const kept = Math.min(bytes.length, most, room)
    room -= kept
    if (kept === bytes.length) return bytes
    notes[`dl_${name}_bytes`] = String(bytes.length)
    notes[`dl_${name}_sha256`] = hashOf(bytes)
    return bytes.subarray(0, kept) as T
  }
  const key = cut('key', letter.key === null ? null : Buffer.from(letter.key), MOST_TEXT_BYTES)
  const headers: (readonly [string, Buffer])[] = []
  for (const [name, content] of letter.headers) {
    // What a forged record may carry: hundreds of headers, or huge ones.
    if (name.startsWith('dl_') || headers.length >= 50) continue
    if (Buffer.byteLength(name) + content.length > MOST_TEXT_BYTES) continue
    room -= Buffer.byteLength(name) + content.length
    headers.push([name, content])
  }
  if (headers.length < letter.headers.length) notes.dl_headers_left_out = String(letter.headers.length - headers.length)
  const value = cut('value', letter.value)
  for (const [name, text] of Object.entries(notes)) headers.push([name, Buffer.from(text)])
  return { key, value, headers }
}

/** The dead-letter topic's record of a closing. */
export function closingRecord(closing: Closing, now: Date): LetterRecord {
  const notes = {
    dl_closes: closing.id,
    dl_app: closing.app,
    dl_outcome: closing.outcome,
    dl_message: wellFormed(closing.message.slice(0, MOST_MESSAGE_CHARACTERS)),
    dl_at: now.toISOString(),
  }
  return { key: null, value: null, headers: Object.entries(notes).map(([name, text]) => [name, Buffer.from(text)]) }
}

/** What is kept of a letter while it is open: not what may be large, which stays where the letter stands. */
export interface OpenLetter extends Omit<Letter, 'value' | 'headers'> {
  /** When it was set aside, RFC 3339. */
  readonly at: string
  /** Its own offset in the dead-letter topic. */
  readonly place: number
  /** The length of a key that was cut, in bytes, or undefined. */
  readonly keyBytes?: number
}

/** A letter as it stands in the topic. */
export interface StoredLetter extends OpenLetter, Letter {
  /** The length of a value that was cut, in bytes, or undefined. */
  readonly valueBytes?: number
}

/** Reads a record of a dead-letter topic; undefined when it is neither a letter nor a closing. */
export function readLetter(
  record: LetterRecord & { readonly offset: number },
): { readonly letter: StoredLetter } | { readonly closing: Closing } | undefined {
  const notes = new Map<string, string>()
  const own: (readonly [string, Buffer])[] = []
  for (const [name, content] of record.headers) {
    if (name.startsWith('dl_')) notes.set(name, content.toString())
    else own.push([name, content])
  }
  const app = notes.get('dl_app') ?? ''
  const message = notes.get('dl_message') ?? ''
  const closes = notes.get('dl_closes')
  if (closes !== undefined) {
    return { closing: { id: closes, app, outcome: (notes.get('dl_outcome') ?? 'dropped') as Outcome, message } }
  }
  const topic = notes.get('dl_topic')
  if (topic === undefined) return undefined
  const topicId = notes.get('dl_topic_id')
  const partition = Number(notes.get('dl_partition') ?? -1)
  const offset = Number(notes.get('dl_offset') ?? -1)
  const number = (name: string) => (notes.has(name) ? { [name]: Number(notes.get(name)) } : {})
  const { dl_key_bytes: keyBytes, dl_value_bytes: valueBytes } = {
    ...number('dl_key_bytes'),
    ...number('dl_value_bytes'),
  }
  return {
    letter: {
      // Letters of an older format have no id of their own.
      id: notes.get('dl_id') ?? letterId(topic, partition, offset, record.key),
      app,
      topic,
      ...(topicId === undefined ? {} : { topicId }),
      partition,
      offset,
      timestamp: Number(notes.get('dl_timestamp') ?? 0),
      reason: (notes.get('dl_reason') ?? 'unreadable') as Reason,
      message,
      key: record.key,
      value: record.value,
      headers: own,
      at: notes.get('dl_at') ?? '',
      place: record.offset,
      ...(keyBytes === undefined ? {} : { keyBytes }),
      ...(valueBytes === undefined ? {} : { valueBytes }),
    },
  }
}

/** The letters that are open, oldest first, after these records of a dead-letter topic in its order. */
export class OpenLetters {
  readonly #open = new Map<string, OpenLetter>()
  /** By id the topic whose record was given up, undefined where the letter doesn't say. */
  readonly #dropped = new Map<string, string | undefined>()

  /** Takes in the topic's next record. */
  take(record: LetterRecord & { readonly offset: number }): void {
    const read = readLetter(record)
    if (read === undefined) return
    if ('closing' in read) {
      const { id, outcome } = read.closing
      const letter = this.#open.get(id)
      if (letter && outcome === 'dropped') this.#dropped.set(id, letter.topicId)
      this.#open.delete(id)
      return
    }
    const { letter } = read
    // Whatever was given up before: somebody has set it aside since.
    this.#dropped.delete(letter.id)
    const before = this.#open.get(letter.id)
    // The first of a fault found twice says since when.
    if (!before || before.topicId !== letter.topicId) this.#open.set(letter.id, withoutValue(letter))
  }

  has(id: string): boolean {
    return this.#open.has(id)
  }

  /** Whether a letter was given up and nothing has failed there since. */
  isDropped(id: string): boolean {
    return this.#dropped.has(id)
  }

  /**
   * Whether this very record was given up for good: who reads its topic again meets it again, and leaves it out. At the
   * same place of a topic made anew is another record.
   */
  wasDropped({ id, topicId, offset }: Pick<Letter, 'id' | 'topicId' | 'offset'>): boolean {
    return topicId !== undefined && offset >= 0 && this.#dropped.get(id) === topicId
  }

  get all(): OpenLetter[] {
    return [...this.#open.values()]
  }
}

/** What is kept of a letter. Its key is copied, for a part of what a fetch brought keeps all of it in memory. */
export function withoutValue({ value: _, valueBytes: __, headers: ___, key, ...rest }: StoredLetter): OpenLetter {
  return { ...rest, key: key === null ? null : Buffer.from(key) }
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Header texts are UTF-8: half a surrogate pair at the cut would make another text of it. */
function wellFormed(text: string): string {
  return text.toWellFormed()
}
