import { setTimeout as sleep } from 'node:timers/promises'
import type { Knex } from 'knex'
import type { EventsTopic } from '#contracts/topic'
import { type DatabaseLogin, openDatabase } from '#database/connect'
import { readServer } from '#database/settings'
import { type LostEvent, lostEvents } from '#outbox/lost'
import { mendPublication } from '#outbox/publication'
import { resend } from '#outbox/resend'
import { makeSlot, slotOf } from '#outbox/schema'
import { slotPasses } from '#outbox/slot'
import type { KafkaAt } from '#runtime/kafka-at'
import { awaitRunning, ensureHeartbeatTopics } from './apply.ts'
import { connectorOf, wantedConnectors } from './configuration.ts'
import type { Connect } from './connect.ts'

/** What is known of a service's connector when it is asked to be recovered. */
export interface RecoverContext {
  readonly connect: Connect
  readonly brokers: KafkaAt
  /** The service's database as whoever sets up: slots can be made and dropped by nobody else but connectors. */
  readonly superuser: DatabaseLogin
  /** Told what is being done, a line each. */
  say(line: string): void
}

/** What recovering did. */
export interface Recovered {
  /** Why the slot was made anew; undefined where it was kept. */
  readonly slotMade: string | undefined
  /** Events that were not in the topic, and were written into the outbox again. */
  readonly lost: readonly LostEvent[]
}

/** How long the connector may take to stop, or to read on, in ms. */
const PATIENCE_MS = 90_000
/** Transactions that began before the connector's last word may have been lost, too; in ms. */
const OLDEST_TRANSACTION_MS = 86_400_000

/**
 * Brings the connector of a service, which publishes on a topic, back to reading whatever became of its slot, its publication or its position, and sends what
 * was lost meanwhile: events that stand in the outbox and not in the topic. Safe to run at any time, and again.
 *
 * The connector's position is set to where the slot is, by Connect's REST interface. (It offers to delete it, too, but with
 * an offsets topic of the connector's own that fails: Connect writes the tombstone outside of the transaction it just began.)
 */
export async function recover({ name: topic, service }: EventsTopic, context: RecoverContext): Promise<Recovered> {
  const { connect, brokers, say } = context
  const connector = connectorOf(service)
  const db = openDatabase(context.superuser, { application: 'tributary-recover', pool: 1 })
  try {
    if (!(await connect.statuses()).has(connector))
      await connect.putConfig(connector, wantedConnectors([service], readServer).get(connector)!)
    for (const topic of await ensureHeartbeatTopics(brokers, [service])) say(`topic "${topic}" was missing: made anew`)
    const { offset, slotMade } = await whileStopped(connect, connector, async () => {
      say(`${connector}: stopped`)
      const offset = await connect.offsetOf(connector)
      for (const fault of await mendPublication(db)) say(`${fault}: mended`)
      const slotMade = await mendSlot(db, service)
      if (slotMade) say(`slot "${slotOf(service)}" ${slotMade}: made anew`)
      await connect.putOffset(connector, { partition: { server: service }, offset: await slotOffset(db, service) })
      return { offset, slotMade }
    })
    await awaitRunning(connect, [connector], PATIENCE_MS)
    await slotPasses(db, service, PATIENCE_MS)
    say(`${connector}: runs and reads on`)
    const lost = await lostEvents(db, topic, brokers, suspectSince(offset?.offset))
    if (lost.length > 0) {
      await resend(
        db,
        lost.map(({ id }) => id),
      )
      await slotPasses(db, service, PATIENCE_MS)
    }
    return { slotMade, lost }
  } finally {
    await db.destroy()
  }
}

/** Events since then may be lost, in ms: a day before the connector's last word, or all there are. */
function suspectSince(offset: Readonly<Record<string, unknown>> | undefined): number {
  const lastWord = Number(offset?.ts_usec)
  return Number.isFinite(lastWord) ? lastWord / 1_000 - OLDEST_TRANSACTION_MS : 0
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/**
 * Does some work while a connector is stopped. It goes on after that, whatever becomes of the work, Ctrl-C included: nothing
 * else would start it again.
 */
async function whileStopped<T>(connect: Connect, connector: string, work: () => Promise<T>): Promise<T> {
  const end = (signal: NodeJS.Signals) =>
    connect.resume(connector).finally(() => {
      for (const each of SIGNALS) process.off(each, end)
      process.kill(process.pid, signal)
    })
  for (const signal of SIGNALS) process.on(signal, end)
  try {
    await stop(connect, connector)
    return await work()
  } finally {
    await connect.resume(connector)
    for (const signal of SIGNALS) process.off(signal, end)
  }
}

async function stop(connect: Connect, connector: string): Promise<void> {
  await connect.stop(connector)
  const deadline = Date.now() + PATIENCE_MS
  for (;;) {
    const status = (await connect.statuses()).get(connector)
    if (status?.state === 'STOPPED' && status.tasks.length === 0) return
    if (Date.now() > deadline) throw new Error(`connector "${connector}" doesn't stop: see Kafka Connect's log`)
    await sleep(250)
  }
}

/** Makes the slot anew where it is missing or of no use; says why it did. */
async function mendSlot(db: Knex, service: string): Promise<string | undefined> {
  const slot = slotOf(service)
  const { rows } = await db.raw(
    `select plugin, database, coalesce(wal_status, 'lost') as status, active_pid as pid
     from pg_replication_slots where slot_name = ?`,
    [slot],
  )
  const [found] = rows
  const why = !found
    ? 'was missing'
    : found.status === 'lost'
      ? 'was lost'
      : found.plugin !== 'pgoutput' || found.database !== service
        ? `was of plugin ${found.plugin} in database ${found.database}`
        : undefined
  if (why === undefined) return undefined
  if (found) await db.raw('select pg_drop_replication_slot(?)', [slot])
  await makeSlot(db, service)
  return why
}

/** Where the slot is, as Debezium notes a position. */
async function slotOffset(db: Knex, service: string): Promise<Record<string, unknown>> {
  const { rows } = await db.raw(
    `select (confirmed_flush_lsn - '0/0'::pg_lsn)::bigint as lsn, (extract(epoch from now()) * 1000000)::bigint as now
     from pg_replication_slots where slot_name = ?`,
    [slotOf(service)],
  )
  const [{ lsn, now }] = rows
  return { lsn, lsn_proc: lsn, lsn_commit: lsn, messageType: 'MESSAGE', ts_usec: now }
}
