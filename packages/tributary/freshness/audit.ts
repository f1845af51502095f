import { setTimeout as after } from 'node:timers/promises'
import type { EventsTopic } from '#contracts/topic'
import type { Concern } from '#runtime/health'
import type { KafkaAt } from '#runtime/kafka-at'
import type { Log } from '#runtime/log'
import { readTopics, type TopicBatch, type TopicReader } from '#runtime/topic-reader'
import type { Report } from './chain.ts'
import type { AuditNote, Cursor, Databases, WalMarks } from './databases.ts'
import { Ledger } from './ledger.ts'
import type { Brokers, Marks } from './topics.ts'

/**
 * Compares every outbox with its topic: every row that is committed must be there. That a slot moves, or that a logical
 * message arrives, proves nothing of it: messages go past the publication, and a slot can be moved or made anew.
 */
export interface Audit {
  /**
   * Resolves when everything that was committed before the call, in any service's database, is in its topic. Gives the
   * positions behind it.
   */
  complete(signal: AbortSignal, report: Report): Promise<Marks>
  /** Events that were lost, connectors that don't get on, topics that were made anew. */
  concerns(): readonly Concern[]
  stop(): Promise<void>
}

export interface AuditOptions {
  /** The services' domain topics. */
  readonly topics: readonly EventsTopic[]
  readonly databases: Databases
  readonly brokers: Brokers
  readonly kafkaBrokers: KafkaAt
  /** The id of a topic; undefined when there is none. */
  topicId(topic: string): Promise<string | undefined>
  readonly log: Log
  readonly read?: typeof readTopics
}

/** What one look at an outbox brings at most, and how many ids are kept of one service before looking on. */
const ROWS_A_LOOK = 20_000
const MOST_KEPT = 100_000
/** Events that wait longer than this for their place in the topic have a mark set behind them, in ms. */
const MARK_AFTER_MS = 1_000
const MARK_AGAIN_MS = 2_000
const POLL_MS = 25
const ASK_MS = 150
const NOTE_MS = 5_000
const CATCH_UP_MS = 200
/** A connector that doesn't confirm for so long, while events wait, is a concern, in ms. */
const STANDS_MS = 10_000
/** So many lost events are sent again at once. */
const RESENT_AT_ONCE = 1_000
const RESEND_PAUSE_MS = 1_000
const RESEND_AGAIN_MS = 5_000
const LONGEST_RESEND_PAUSE_MS = 300_000

interface Audited {
  readonly service: string
  readonly topic: string
  topicId: string
  ledger: Ledger
  /** Where its topic is read from at the start. */
  begin: ReadonlyMap<number, bigint> | undefined
  waitingSince: number | undefined
  /** Set behind everything that was found up to a look. */
  mark:
    | { readonly upTo: number; readonly lsn: WalMarks; readonly since: number; sentAt: number; ends?: Marks }
    | undefined
  readonly resent: Set<string>
  resendAt: number
  attempts: number
  resendFault: string | undefined
  lostSince: Date | undefined
  /** How many rows were found. */
  rows: number
  noted: { readonly rows: number; readonly at: number } | undefined
  /** When its topic was found to be another one. */
  madeAnew: Date | undefined
}

const BEGINNING: Cursor = { below: 0n, unfinished: [] }

/** Opens the audit; it looks at nothing before the first `complete`. */
export function openAudit({
  topics,
  databases,
  brokers,
  kafkaBrokers,
  topicId,
  log,
  read = readTopics,
}: AuditOptions): Audit {
  let audited: readonly Audited[] = []
  let reader: TopicReader | undefined
  let askedAt = 0

  async function open(): Promise<TopicReader> {
    audited = await Promise.all(
      topics.map(async ({ service, name: topic }): Promise<Audited> => {
        const [id, last] = await Promise.all([idOf(topic), databases.lastNote(service)])
        const known = last?.topicId === id ? last : undefined
        return {
          service,
          topic,
          topicId: id,
          ledger: new Ledger(known?.cursor ?? BEGINNING),
          begin: known?.positions,
          waitingSince: undefined,
          mark: undefined,
          resent: new Set(),
          resendAt: 0,
          attempts: 0,
          resendFault: undefined,
          lostSince: undefined,
          rows: 0,
          noted: undefined,
          madeAnew: last && !known ? new Date() : undefined,
        }
      }),
    )
    const byTopic = new Map(audited.map((one) => [one.topic, one]))
    return read({
      brokers: kafkaBrokers,
      clientId: 'tributary-freshness-audit',
      topics: [...byTopic.keys()],
      startAt: (topic, partition) => byTopic.get(topic)!.begin?.get(partition),
      take: (batch) => take(byTopic.get(batch.topic)!, batch),
      // Answers are collected: many small ones would cost more than all that they hold.
      maxWaitMs: 200,
      minBytes: 256 * 1024,
    })
  }

  async function idOf(topic: string): Promise<string> {
    const id = await topicId(topic)
    if (id === undefined) throw new Error(`topic "${topic}" doesn't exist: run \`npx --no tributary topics apply\``)
    return id
  }

  async function take({ ledger }: Audited, { messages }: TopicBatch): Promise<void> {
    for (const { headers } of messages) {
      const id = headers?.ce_id
      if (id !== undefined) ledger.seen(String(id))
    }
    // The outbox is looked at more slowly than the topic is read: let it catch up.
    for (let waits = 0; ledger.size > 2 * MOST_KEPT && waits < 100; waits++) await after(POLL_MS)
  }

  /** A topic that was made anew has nothing of what was read: everything is compared from the beginning. */
  async function beginAgainWhereMadeAnew(): Promise<void> {
    const ids = await Promise.all(audited.map(({ topic }) => idOf(topic)))
    if (audited.every((one, i) => one.topicId === ids[i])) return
    const anew = new Map(audited.flatMap((one, i) => (one.topicId === ids[i] ? [] : [[one.topic, new Date()]])))
    log.warn({ topics: [...anew.keys()] }, 'topics were made anew: what the outboxes still have is compared with them')
    await close()
    reader = await open()
    for (const one of audited) one.madeAnew ??= anew.get(one.topic)
  }

  async function drain(one: Audited, signal: AbortSignal): Promise<void> {
    for (let all = false; !all && !signal.aborted; ) {
      while (one.ledger.awaited > MOST_KEPT && !signal.aborted) await step(signal)
      one.ledger.look()
      const rows = await databases.newRows(one.service, one.ledger.cursor, ROWS_A_LOOK)
      one.ledger.found(rows.ids, rows.cursor, rows.all)
      one.rows += rows.ids.length
      all = rows.all
    }
  }

  /** Waits a little, and looks after what waits. */
  async function step(signal: AbortSignal): Promise<void> {
    await after(POLL_MS, undefined, { signal })
    const now = performance.now()
    if (now - askedAt < ASK_MS) return
    askedAt = now
    for (const one of audited) {
      if (one.ledger.awaited === 0) {
        one.waitingSince = one.mark = undefined
        if (one.ledger.lostCount === 0) noteFound(one)
      } else one.waitingSince ??= now
      if (one.ledger.lost.length > 0 && now >= one.resendAt) await resend(one, signal)
    }
    await judge(now)
  }

  /** Where a slot has passed a mark, and the topic was read to its end after that, what isn't there is lost. */
  async function judge(now: number): Promise<void> {
    const unmarked = audited.filter(
      (one) => !one.mark && one.waitingSince !== undefined && now - one.waitingSince > MARK_AFTER_MS,
    )
    const marks = await databases.mark(unmarked.map(({ service }) => service))
    for (const one of unmarked) {
      const lsn = new Map([[one.service, marks.get(one.service)!]])
      one.mark = { upTo: one.ledger.looks, lsn, since: now, sentAt: now }
    }
    const open = audited.filter(({ mark }) => mark && !mark.ends)
    const behind = new Set(await databases.behind(new Map(open.flatMap(({ mark }) => [...mark!.lsn]))))
    for (const one of open) {
      const mark = one.mark!
      if (!behind.has(one.service)) mark.ends = await brokers.highWatermarks([one.topic])
      else if (now - mark.sentAt > MARK_AGAIN_MS) {
        mark.sentAt = now
        await databases.mark([one.service])
      }
    }
    for (const one of audited) {
      const ends = one.mark?.ends?.get(one.topic)
      const positions = reader!.positions(one.topic)
      if (!ends || ![...ends].every(([partition, end]) => (positions.get(partition) ?? -1n) >= end)) continue
      one.ledger.judge(one.mark!.upTo)
      one.mark = one.waitingSince = undefined
      const { lost } = one.ledger
      if (lost.length === 0) continue
      one.lostSince ??= new Date()
      log.error(
        { service: one.service, events: lost.length, first: lost[0] },
        'committed events never reached their topic',
      )
    }
  }

  async function resend(one: Audited, signal: AbortSignal): Promise<void> {
    const some = one.ledger.lost.slice(0, RESENT_AT_ONCE)
    const again = some.some((id) => one.resent.has(id))
    try {
      const rows = await databases.resend(one.service, some)
      log.warn({ service: one.service, lost: some.length, rows }, 'lost events are sent again')
      for (const id of some) one.resent.add(id)
      one.resendFault = undefined
      one.attempts = again ? one.attempts + 1 : 0
      const pauseMs = again ? RESEND_AGAIN_MS * 2 ** one.attempts : RESEND_PAUSE_MS
      one.resendAt = performance.now() + Math.min(LONGEST_RESEND_PAUSE_MS, pauseMs)
      await drain(one, signal)
    } catch (error) {
      signal.throwIfAborted()
      one.resendFault = (error as Error).message
      one.resendAt = performance.now() + RESEND_AGAIN_MS / 2
    }
  }

  function noteFound(one: Audited): void {
    if (one.lostSince) log.info({ service: one.service, since: one.lostSince }, 'what was lost has reached its topic')
    one.lostSince = one.resendFault = undefined
    one.resent.clear()
    one.attempts = 0
  }

  /** What is kept for the next start: only what is settled. */
  async function note(one: Audited, note: AuditNote): Promise<void> {
    const now = performance.now()
    // Where no rows came, the one that is noted serves as well.
    if (one.noted && (now - one.noted.at < NOTE_MS || one.noted.rows === one.rows)) return
    await databases.note(one.service, note)
    one.noted = { rows: one.rows, at: now }
  }

  async function close(): Promise<void> {
    const opened = reader
    reader = undefined
    await opened?.stop()
  }

  return {
    async complete(signal, report) {
      reader ??= await open()
      await beginAgainWhereMadeAnew()
      // Positions are handed on as what lies behind everything that is settled: they must be behind what was settled before.
      while (!reader.caughtUp()) {
        report(`the domain topics${reader.trouble() ? `: ${reader.trouble()}` : ', which are read up to their ends'}`)
        // Looked at meanwhile, so that what is read finds its rows, and isn't kept.
        for (const one of audited) await drain(one, signal)
        await after(CATCH_UP_MS, undefined, { signal })
        await step(signal)
      }
      const before = new Map(audited.map(({ topic }) => [topic, reader!.positions(topic)]))
      const looked = await Promise.all(
        audited.map(async (one) => {
          await drain(one, signal)
          return { one, upTo: one.ledger.looks, cursor: one.ledger.cursor }
        }),
      )
      for (;;) {
        const missing = looked.filter(({ one, upTo }) => one.ledger.missing(upTo) > 0)
        if (missing.length === 0) break
        report(
          reader!.trouble() ? `Kafka: ${reader!.trouble()}` : missing.map(({ one }) => waitsFor(one)).join(' and '),
        )
        await step(signal)
      }
      report(undefined)
      for (const { one } of looked) if (one.ledger.lostCount === 0) noteFound(one)
      const marks = new Map(audited.map(({ topic }) => [topic, behindSomething(reader!.positions(topic))] as const))
      for (const { one, cursor } of looked) {
        const positions = before.get(one.topic)!
        if (positions.size > 0) await note(one, { cursor, topicId: one.topicId, positions })
      }
      return marks
    },
    concerns: () => audited.flatMap((one) => concernsOf(one)),
    stop: close,
  }
}

function waitsFor({ ledger, service, topic }: Audited): string {
  const lost = ledger.lostCount
  if (lost > 0) return `${lost} committed events of ${service} that never reached ${topic} and are sent again`
  return `the connector of ${service}`
}

function concernsOf(one: Audited): Concern[] {
  const { service, topic, ledger, mark, resendFault, lostSince, madeAnew } = one
  const concerns: Concern[] = []
  const lost = ledger.lostCount
  if (lost > 0) {
    const doing = resendFault ? `sending them again fails: ${resendFault}` : 'they are being sent again'
    const what = `${lost} committed events never reached ${topic} (first: ${ledger.firstLost}), known since ${lostSince?.toISOString()}; ${doing}`
    concerns.push({ part: service, what, remedy: `npx --no tributary outbox resend ${service}` })
  }
  const standsMs = mark && !mark.ends ? performance.now() - mark.since : 0
  if (standsMs > STANDS_MS) {
    const what = `${ledger.awaited} committed events wait for the connector, whose slot hasn't moved past them for ${Math.round(standsMs / 1000)} s`
    concerns.push({ part: `${service}-outbox`, what, remedy: `npx --no tributary connectors recover ${service}` })
  }
  if (madeAnew) {
    const what = `the topic was made anew (noticed ${madeAnew.toISOString()}): of what it held before, only what the outbox still has is sent again`
    concerns.push({ part: topic, what, remedy: 'npx --no tributary verify' })
  }
  return concerns
}

/** Partitions that never held anything have no mark. */
function behindSomething(positions: ReadonlyMap<number, bigint>): ReadonlyMap<number, bigint> {
  return new Map([...positions].filter(([, position]) => position > 0n))
}
