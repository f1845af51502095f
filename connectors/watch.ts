import type { Knex } from 'knex'
import { openDatabase } from '#producers/database/connect.ts'
import { readMaintainerLogin } from '#producers/database/settings.ts'
import { DAYS_AHEAD_ALARM } from '#producers/outbox/partitions.ts'
import { maintainOutbox } from '#producers/outbox/retention.ts'
import { slotOf } from '#producers/outbox/schema.ts'
import { connectSettings, listenSettings, readConfig, setting } from '#runtime/config.ts'
import { serveHealth } from '#runtime/health.ts'
import type { Log } from '#runtime/log.ts'
import type { Running } from '#runtime/main.ts'
import { openMetrics } from '#runtime/metrics.ts'
import { type ServiceName, services } from '#schemas/topics.ts'
import { describeIdle } from './apply.ts'
import { driftOf, wantedConnectors } from './configuration.ts'
import { type Connect, connectAt, isRunning } from './connect.ts'
import { openMeters, type WatchMeters } from './meters.ts'
import { openRestarts, type Restarts, restartDue } from './restarts.ts'
import { openStalls, type Stalls } from './stalls.ts'

const LOOK_MS = 5_000
const MAINTAIN_MS = 600_000
const STALLED_MS = 60_000

/** What is wrong now, by what is wrong. */
type Faults = Map<string, string>

/**
 * Watches connectors and slots, restarts what failed or stays unassigned, with back-off, makes outbox partitions ahead
 * and drops old ones. `/health` says what is wrong.
 */
export async function runWatch(log: Log): Promise<Running> {
  const config = readConfig({ ...connectSettings, ...listenSettings, WATCH_PORT: setting.port.default(14_023) })
  const loginOf = readMaintainerLogin()
  const databases = new Map(
    services.map((service) => [service, openDatabase(loginOf(service), { application: 'tributary-watch', pool: 1 })]),
  )
  const metrics = openMetrics()
  const meters = openMeters(metrics)
  const connect = connectAt(config.CONNECT_URL, 0)
  const restarts = openRestarts()
  const stalls = openStalls()
  const faults: Faults = new Map([['watch', 'nothing was looked at yet']])

  const looking = every(LOOK_MS, async () => {
    await noting(faults, log, 'connect', () => lookAtConnectors({ connect, restarts, stalls, faults, meters, log }))
    await noting(faults, log, 'slots', () => lookAtSlots(databases.get('orders')!, stalls, faults, meters))
    faults.delete('watch')
  })
  const maintaining = every(MAINTAIN_MS, async () => {
    for (const [service, db] of databases) {
      await noting(faults, log, `outbox of ${service}`, () => lookAfterOutbox(db, service, { faults, meters, log }))
    }
  })
  const health = await serveHealth({
    host: config.HOST,
    allowedHosts: config.ALLOWED_HOSTS,
    port: config.WATCH_PORT,
    metrics,
    check: () => (faults.size === 0 ? undefined : [...faults.values()].join('; ')),
  })
  return {
    async stop() {
      await Promise.all([looking.stop(), maintaining.stop()])
      await health.close()
      for (const db of databases.values()) await db.destroy()
    },
  }
}

interface Watched {
  readonly connect: Connect
  readonly restarts: Restarts
  readonly stalls: Stalls
  readonly faults: Faults
  readonly meters: WatchMeters
  readonly log: Log
}

async function lookAtConnectors({ connect, restarts, stalls, faults, meters, log }: Watched): Promise<void> {
  const statuses = await connect.statuses()
  for (const [connector, wanted] of wantedConnectors()) {
    const status = statuses.get(connector)
    const running = isRunning(status)
    meters.running.set({ connector }, running ? 1 : 0)
    if (running) {
      faults.delete(connector)
      restarts.ranWell(connector, Date.now())
    } else faults.set(connector, describeIdle(connector, status))
    const what = restartDue(stalls, connector, status, Date.now())
    if (what && restarts.isDue(connector, Date.now())) {
      const next = restarts.noteRestart(connector, Date.now())
      log.warn({ connector, fault: faults.get(connector), what, nextMs: next }, 'restarting')
      meters.restarts.inc({ connector })
      await connect.restart(connector, { onlyFailed: what === 'failed' })
    }
    const found = status && (await connect.configOf(connector))
    meters.drift.set({ connector }, found ? driftOf(wanted, found).length : 0)
  }
}

interface SlotState {
  readonly active: boolean
  readonly status: string
  readonly confirmed: string
  /** Bytes. */
  readonly behind: number
  readonly retained: number
}

async function lookAtSlots(db: Knex, stalls: Stalls, faults: Faults, meters: WatchMeters): Promise<void> {
  const { rows } = await db.raw(
    `select slot_name as slot, active, wal_status as status, confirmed_flush_lsn::text as confirmed,
            pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::bigint as behind,
            pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint as retained
     from pg_replication_slots`,
  )
  const found = new Map<string, SlotState>(rows.map((row: { slot: string }) => [row.slot, row]))
  for (const service of services) {
    const slot = slotOf(service)
    const state = found.get(slot)
    const stalledMs = state ? stalls.notes(slot, state.confirmed, Date.now()) : 0
    if (!state) faults.set(slot, `slot "${slot}" is missing: what is written now will not be seen`)
    else if (state.status === 'lost') faults.set(slot, `slot "${slot}" is lost: it fell behind max_slot_wal_keep_size`)
    else if (stalledMs > STALLED_MS)
      faults.set(slot, `slot "${slot}" has not moved for ${STALLED_MS / 1000} s, though its connector beats every 10 s`)
    else faults.delete(slot)
    meters.slotActive.set({ slot }, state?.active ? 1 : 0)
    if (!state) continue
    meters.slotBehind.set({ slot }, state.behind)
    meters.slotRetained.set({ slot }, state.retained)
  }
}

async function lookAfterOutbox(
  db: Knex,
  service: ServiceName,
  { faults, meters, log }: Pick<Watched, 'faults' | 'meters' | 'log'>,
): Promise<void> {
  const { made, dropped, kept, daysAhead } = await maintainOutbox(db, service, Date.now())
  if (made.length > 0) log.info({ service, made }, 'outbox partitions made')
  if (dropped.length > 0) log.info({ service, dropped }, 'outbox partitions dropped')
  if (kept.length > 0) log.warn({ service, kept }, 'old outbox partitions must stay for now')
  meters.daysAhead.set({ service }, daysAhead)
  meters.kept.set({ service }, kept.length)
  const alarm = `partitions of ${service}`
  if (daysAhead >= DAYS_AHEAD_ALARM) faults.delete(alarm)
  else faults.set(alarm, `the outbox of "${service}" has partitions for ${daysAhead} days ahead only`)
}

/** Does some work and notes it as a fault where that fails. */
async function noting(faults: Faults, log: Log, what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
    faults.delete(what)
  } catch (error) {
    if (!faults.has(what)) log.warn({ err: error }, `${what}: could not be looked at`)
    faults.set(what, `${what}: ${(error as Error).message}`)
  }
}

/** Does some work now and `pauseMs` after each time it is done. */
function every(pauseMs: number, work: () => Promise<void>): { stop(): Promise<void> } {
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  const turn = async () => {
    await work()
    if (!stopped) timer = setTimeout(() => (current = turn()), pauseMs)
  }
  let current = turn()
  return {
    async stop() {
      stopped = true
      clearTimeout(timer)
      await current
    },
  }
}
