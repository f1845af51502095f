import type { Client } from '@elastic/elasticsearch'
import type { KafkaMessage } from 'kafkajs'
import type { Codec } from '#contracts/codec'
import type { ReadModel } from '#read-models/read-model'
import type { Log } from '#runtime/log'
import { backOff } from './back-off.ts'
import type { Places } from './gate.ts'
import type { Generation } from './generations.ts'
import type { Letters, SetAside } from './letters.ts'
import type { SinkMetrics } from './metrics.ts'
import { type Read, recordReader } from './records.ts'
import { Refresher } from './refresher.ts'
import { versionOf } from './version.ts'
import { type Write, Writer } from './writer.ts'

/** What a lane works with. */
export interface LaneOptions {
  readonly client: Client
  readonly codec: Codec
  readonly letters: Letters
  readonly places: Places
  readonly metrics: SinkMetrics
  readonly log: Log
  readonly signal: AbortSignal
  /** Told when a server doesn't do its part, with the reason, and when it does again. */
  troubled(server: Server, why: string | undefined): void
  /** Told when the lane can't go on. */
  onFailed(error: unknown): void
}

/** What the sink can't do without. */
export type Server = 'elasticsearch' | 'kafka' | 'registry'

/** The way of one read model's records into its index. */
export interface Lane {
  readonly model: ReadModel
  readonly generation: Generation
  /** Resolves when every record is searchable, superseded or in the dead letters. Rejects when the session ends before. */
  take(partition: number, messages: readonly KafkaMessage[]): Promise<void>
  /** Records that were taken and not answered for yet, and their bytes. */
  pending(): number
  pendingBytes(): number
  /** Counts what was never answered as not sent: the session is over. */
  close(): void
}

/** Opens the lane of a read model into an index. */
export function openLane(model: ReadModel, generation: Generation, options: LaneOptions): Lane {
  const { client, codec, letters, metrics, log, signal, troubled } = options
  const read = recordReader(model, codec)
  const { index, writeAlias: alias } = generation
  const writer = new Writer({ ...options, index, alias, pace: model.pace })
  const refresher = new Refresher(
    async () => {
      const began = performance.now()
      await client.indices.refresh({ index }, { signal })
      if (unrefreshed) troubled('elasticsearch', undefined)
      unrefreshed = false
      metrics.refreshed(model.name, (performance.now() - began) / 1000)
    },
    signal,
    (error) => {
      metrics.failed('elasticsearch')
      unrefreshed = true
      troubled('elasticsearch', (error as Error).message)
      log.warn({ index, err: (error as Error).message }, 'a refresh was not answered')
    },
  )
  let unrefreshed = false
  let open = 0
  let bytes = 0
  const unanswered = new Set<(reason: unknown) => void>()
  /** By partition: settled once the letters are stored of all that was taken before. */
  const lettersStored = new Map<number, Promise<unknown>>()
  const answered = (answer: 'applied' | 'superseded' | 'dead_lettered', records: number) => {
    if (signal.aborted || records === 0) return
    open -= records
    metrics.answered(model.name, answer, records)
  }

  /** Repeats what another server is needed for until it is done. */
  async function persist<T>(server: 'kafka' | 'registry', what: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        const done = await what()
        if (attempt > 1) troubled(server, undefined)
        return done
      } catch (error) {
        const why = (error as Error).message
        metrics.failed(server)
        troubled(server, why)
        log.warn({ server, err: why }, `${server} did not do what it was asked for`)
        await backOff(attempt, signal)
      }
    }
  }

  async function setAside(records: readonly SetAside[]): Promise<void> {
    if (records.length === 0) return
    await persist('kafka', () => letters.setAside(records))
    for (const { topic, partition, message, reason, explanation } of records) {
      log.warn({ topic, partition, offset: message.offset, reason }, `dead letter: ${explanation}`)
    }
    answered('dead_lettered', records.length)
  }

  /** Resolves when the server answered for each. */
  function write(documents: ReadonlyMap<string, Documented>): Promise<Written> {
    const refused: Refused[] = []
    let hidden = 0
    if (documents.size === 0) return Promise.resolve({ refused, hidden })
    return new Promise((resolve, reject) => {
      let left = documents.size
      unanswered.add(reject)
      const writes = Array.from(
        documents.values(),
        ({ id, body, message }): Write => ({
          id,
          body,
          version: versionOf(generation.generation, Number(message.offset)),
          answered({ verdict, reason, searchable }) {
            if (verdict === 'refused') refused.push({ message, explanation: reason })
            else {
              answered(verdict, 1)
              if (!searchable) hidden++
            }
            if (--left > 0) return
            unanswered.delete(reject)
            resolve({ refused, hidden })
          },
        }),
      )
      writer.add(writes)
    })
  }

  return {
    model,
    generation,
    pending: () => open,
    pendingBytes: () => bytes,
    async take(partition, messages) {
      const { name: topic } = model.topic
      const size = messages.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0), 0)
      open += messages.length
      bytes += size
      metrics.sent(model.name, messages.length)
      const aside = (message: KafkaMessage, reason: SetAside['reason'], explanation: string): SetAside => {
        return { topic, topicId: generation.topicId, partition, message, reason, explanation }
      }
      const earlierStored = lettersStored.get(partition)
      const { promise: stored, resolve: nowStored } = Promise.withResolvers<void>()
      lettersStored.set(partition, Promise.all([earlierStored, stored]))
      try {
        const latest = new Map<string, Documented>()
        const unreadable: SetAside[] = []
        for (const message of messages) {
          const result: Read = await persist('registry', () => read(message))
          if (result.ok) latest.set(result.id, { ...result, message })
          else unreadable.push(aside(message, result.reason, result.explanation))
        }
        // An earlier record of a key in the same batch is superseded before it is written.
        answered('superseded', messages.length - unreadable.length - latest.size)
        const [{ refused, hidden }] = await Promise.all([write(latest), setAside(unreadable)])
        await setAside(refused.map(({ message, explanation }) => aside(message, 'refused', explanation)))
        nowStored()
        if (hidden > 0) await refresher.searchable(hidden)
        bytes -= size
        // A record before these may become a letter after these were written: it is closed all the same.
        await earlierStored
        if (!letters.anyOf(topic)) return
        const refusals = new Set(refused.map(({ message }) => message))
        const written = Array.from(latest.values(), ({ message }) => message).filter((one) => !refusals.has(one))
        await persist('kafka', () => letters.applied(topic, partition, written))
      } finally {
        nowStored()
      }
    },
    close() {
      if (open > 0) metrics.withdrawn(model.name, open)
      open = 0
      for (const reject of unanswered) reject(signal.reason)
    },
  }
}

interface Documented {
  readonly id: string
  readonly body: string
  readonly message: KafkaMessage
}

interface Written {
  readonly refused: readonly Refused[]
  /** How many were written and aren't searchable yet. */
  readonly hidden: number
}

interface Refused {
  readonly message: KafkaMessage
  readonly explanation: string
}
