import type { KafkaMessage } from 'kafkajs'
import type { Codec } from '#contracts/codec'
import { BadPayload, UnknownSchemaId } from '#contracts/errors'
import { compileDocument } from '#read-models/document'
import { DELETED } from '#read-models/mapping'
import type { ReadModel } from '#read-models/read-model'
import type { Reason } from '#runtime/dead-letters/letter'
import { UNREADABLE_BATCH } from '#runtime/kafkajs'

/** Elasticsearch's limit for an `_id`, in bytes of UTF-8. */
const LONGEST_ID = 512
/** What a deleted row leaves behind. Elasticsearch forgets the version of a really deleted document after a minute. */
const MARKER = JSON.stringify({ [DELETED]: true })

/** A record as a document, or why it can't be one. */
export type Read =
  | { readonly ok: true; readonly id: string; readonly body: string }
  | { readonly ok: false; readonly reason: Reason; readonly explanation: string }

/**
 * Makes the function that reads the records of a read model's rows topic: a row gives its document, a tombstone a
 * delete marker. It rejects only when the registry can't be asked.
 */
export function recordReader(model: ReadModel, codec: Codec): (message: KafkaMessage) => Promise<Read> {
  const { row, key: keyOf, name: topic } = model.topic
  const toDocument = compileDocument(row.schema)

  return async ({ key, value, headers }) => {
    const unreadable = key === null && headers?.[UNREADABLE_BATCH]
    if (unreadable) return fault('unreadable', String(unreadable))
    const id = readKey(key)
    if (typeof id !== 'string') return id
    if (value === null) return { ok: true, id, body: MARKER }
    try {
      const decoded = await decode(codec, value)
      if (decoded.name !== row.name)
        return fault('unexpected-type', `it is a ${decoded.name}; ${topic} holds ${row.name}`)
      const rowsKey = keyOf(decoded.value as never)
      if (rowsKey !== id) return fault('bad-key', `its key is "${id}", its row's is "${rowsKey}"`)
      return { ok: true, id, body: JSON.stringify(toDocument(decoded.value)) }
    } catch (error) {
      if (error instanceof UnknownSchemaId) return fault('unknown-schema', error.message)
      // A RangeError is an instant that isn't a date, or a number that JSON has no form for.
      if (error instanceof BadPayload || error instanceof RangeError) return fault('unreadable', error.message)
      throw error
    }
  }
}

async function decode(codec: Codec, value: Buffer) {
  try {
    return codec.decode(value)
  } catch (error) {
    if (!(error instanceof UnknownSchemaId)) throw error
    await codec.learn(error.id)
    return codec.decode(value)
  }
}

function readKey(key: Buffer | null): string | Read {
  if (!key || key.length === 0) return fault('no-key', 'it has no key')
  if (key.length > LONGEST_ID) return fault('bad-key', `its key has ${key.length} bytes, an _id at most ${LONGEST_ID}`)
  const id = key.toString('utf8')
  return Buffer.from(id, 'utf8').equals(key) ? id : fault('bad-key', 'its key is not UTF-8 text')
}

function fault(reason: Reason, explanation: string): Read {
  return { ok: false, reason, explanation }
}
