import { createHash } from 'node:crypto'
import type { IHeaders } from 'kafkajs'
import type { Codec } from '#contracts/codec'
import { BadPayload, UnknownSchemaId } from '#contracts/errors'
import type { EventsTopic } from '#contracts/topic'
import type { Reason } from '#runtime/dead-letters/letter'
import type { Subscription } from './subscription.ts'

/** A record as Kafka has it. */
export interface RawRecord {
  readonly topic: string
  /** Another one means another topic of the same name, with other records at the same places. */
  readonly topicId?: string
  readonly partition: number
  readonly offset: bigint
  /** ms */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: IHeaders
}

/** Why a record can't be worked on. */
export interface Fault {
  /** `waits`: nothing is wrong with it, but an earlier event of its key is parked. */
  readonly reason: Reason | 'waits'
  readonly message: string
}

/** A record that was looked into. */
export interface InboxRecord {
  readonly raw: RawRecord
  /** What keeps its order, and is parked when it fails (`storable`). A record without a key keeps order with no other. */
  readonly key: string
  /** CloudEvents id (`storable`), or its place where it has none. */
  readonly eventId: string
  readonly traceparent: string | undefined
  readonly republished: boolean
  readonly content: Event | Fault | 'tombstone'
}

interface Event {
  /** Full record name. */
  readonly type: string
  readonly value: unknown
}

export const isFault = (content: InboxRecord['content']): content is Fault =>
  typeof content === 'object' && 'reason' in content

/** The registry didn't answer; it says nothing about the record. */
export class RegistryAway extends Error {
  override readonly name = 'RegistryAway'
}

/** What a text that is kept as it is has at most, in bytes: an index takes no entry of a third of its page (8 kB). */
const MOST_BYTES = 1_024

/**
 * A text as a column with an index takes it. One that Postgres can't hold or index, which no service of ours sends (with
 * a NUL, or too long), is shortened, with its hash, so that two of them never become the same.
 */
export function storable(text: string): string {
  if (!text.includes('\0') && Buffer.byteLength(text) <= MOST_BYTES) return text
  return `${text.slice(0, 100).toWellFormed().replaceAll('\0', '\uFFFD')}… (sha256 ${createHash('sha256').update(text).digest('hex')})`
}

/** Looks into a record. Gives a fault as content where it isn't an event of the topic; throws `RegistryAway`. */
export async function readRecord(raw: RawRecord, subscription: Subscription, codec: Codec): Promise<InboxRecord> {
  const place = `${raw.topic}/${raw.partition}/${raw.offset}`
  return {
    raw,
    key: storable(raw.key?.toString() ?? place),
    eventId: storable(headerOf(raw, 'ce_id') ?? (raw.topicId ? `${place} of ${raw.topicId}` : place)),
    traceparent: headerOf(raw, 'traceparent'),
    republished: headerOf(raw, 'ce_republished') === 'true',
    content: await contentOf(raw, subscription, codec),
  }
}

async function contentOf(raw: RawRecord, subscription: Subscription, codec: Codec): Promise<InboxRecord['content']> {
  if (raw.value === null) return 'tombstone'
  try {
    const { name: type, value } = await decode(codec, raw.value)
    const claimed = headerOf(raw, 'ce_type')
    if (claimed !== undefined && claimed !== type) {
      return { reason: 'unexpected-type', message: `its ce_type says ${claimed}, its payload is a ${type}` }
    }
    // A type of this service that we don't know is a newer one: it is passed over, like any without a handler.
    if (!isOf(subscription.topic, type)) {
      return { reason: 'unexpected-type', message: `a ${type} doesn't belong on ${raw.topic}` }
    }
    return { type, value }
  } catch (error) {
    if (error instanceof BadPayload) return { reason: 'unreadable', message: error.message }
    if (error instanceof UnknownSchemaId) return { reason: 'unknown-schema', message: error.message }
    throw error
  }
}

/** Whether a full record name is in a namespace of the topic's own events. */
function isOf({ events }: EventsTopic, type: string): boolean {
  const namespace = type.slice(0, type.lastIndexOf('.'))
  return Object.values(events).some(({ schema }) => schema.namespace === namespace)
}

async function decode(codec: Codec, bytes: Buffer) {
  try {
    return codec.decode(bytes)
  } catch (error) {
    if (!(error instanceof UnknownSchemaId)) throw error
    await codec.learn(error.id).catch((cause) => {
      if (cause instanceof UnknownSchemaId) throw cause
      throw new RegistryAway(`the registry could not be asked for schema id ${error.id}: ${cause.message}`, { cause })
    })
    return codec.decode(bytes)
  }
}

function headerOf(raw: RawRecord, name: string): string | undefined {
  const value = raw.headers[name]
  const first = Array.isArray(value) ? value[0] : value
  return first === undefined || first === null ? undefined : first.toString()
}
