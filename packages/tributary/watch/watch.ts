import type { Knex } from 'knex'
import { ensureHeartbeatTopics } from '#connect/apply'
import { type ConnectorConfig, type Drift, describeDrift, driftOf, wantedConnectors } from '#connect/configuration'
import { type Connect, type ConnectorStatus, connectAt, faultOf, isRunning, remedyFor } from '#connect/connect'
import { openRestarts, type Restarts, restartDue } from '#connect/restarts'
import { openStalls, type Stalls } from '#connect/stalls'
import { connectGroup } from '#contracts/apps'
import { type DatabaseLogin, openDatabase } from '#database/connect'
import { readMaintainerLogin, readServer } from '#database/settings'
import { maintainOutbox } from '#outbox/retention'
import { slotOf } from '#outbox/schema'
import { connectSettings, kafkaSettings, listenSettings, readConfig, setting } from '#runtime/config'
import { eachOnItsOwn, throwFailed } from '#runtime/each'
import { serveHealth } from '#runtime/health'
import { httpAt } from '#runtime/http-at'
import { type KafkaAt, kafkaAt } from '#runtime/kafka-at'
import type { Log } from '#runtime/log'
import type { Running } from '#runtime/main'
import { openMetrics } from '#runtime/metrics'
import type { System } from '#system/system'
import { CoordinatorsWatch, findUncoordinated } from './coordinators.ts'
import { type Copy, endCopies, judgeCopy } from './copies.ts'
import { type Finding, Findings } from './findings.ts'
import { openMeters, type WatchMeters } from './meters.ts'
import { judgeKept, lookAtOutbox } from './outboxes.ts'
import { anyOf, SlotsWatch } from './slots.ts'

const LOOK_MS = 4_000
/** Slots are looked at more often: that a connector stands still shows over several looks. */
const LOOK_AT_SLOTS_MS = 2_000
const LOOK_AT_TOPICS_MS = 15_000
const LOOK_AT_GROUPS_MS = 10_000
const MAINTAIN_MS = 600_000

/**
 * Watches connectors, their topics and sessions, consumer groups, slots and outboxes; restarts what failed or stays
 * unassigned, with back-off, makes topics and outbox partitions, mends publications and drops old partitions. `/health`
 * says what is wrong, and what mends it.
 */
export async function runWatch({ services, deadLetterTopics }: System, log: Log): Promise<Running> {
  const config = readConfig({
    ...connectSettings,
    ...kafkaSettings,
    ...listenSettings,
    WATCH_PORT: setting.port.default(14_023),
  })
  const loginOf = readMaintainerLogin()
  const databases = new Map(
    services.map((service) => [service, openDatabase(loginOf(service), { application: 'tributary-watch', pool: 1 })]),
  )
  const metrics = openMetrics()
  const meters = openMeters(metrics)
  const findings = new Findings()
  findings.note('watch', { part: 'watch', what: 'nothing was looked at yet', unwell: true })
  // A server shows the slots and sessions of all its databases.
  const servers = new Map(
    [...Map.groupBy(databases, ([service]) => serverOf(loginOf(service)))].map(
      ([server, here]) => [server, new Map(here)] as const,
    ),
  )
  const coordinators = new CoordinatorsWatch()
  const watched: Watched = {
    services,
    wanted: wantedConnectors(services, readServer),
    connect: connectAt(httpAt('CONNECT', config), 0),
    restarts: openRestarts(),
    stalls: openStalls(),
    findings,
    meters,
    log,
    mended: new Map(),
    copies: new Map(),
  }

  // Of every application, and of Kafka Connect.
  const groups = [...deadLetterTopics.keys(), connectGroup]
  // Each on its own: what one waits for doesn't keep the others from looking.
  const looking = [
    every(LOOK_MS, () => noting(watched, 'Kafka Connect', () => lookAtConnectors(watched))),
    every(LOOK_AT_TOPICS_MS, () => noting(watched, "connectors' topics", () => lookAtTopics(kafkaAt(config), watched))),
    every(LOOK_AT_GROUPS_MS, () =>
      noting(watched, 'consumer groups', () => lookAtGroups(coordinators, kafkaAt(config), groups, watched)),
    ),
    ...[...servers].map(([server, here]) => {
      const slots = new SlotsWatch()
      const on = servers.size > 1 ? ` on ${server}` : ''
      return every(LOOK_AT_SLOTS_MS, async () => {
        await noting(watched, `slots${on}`, () => lookAtSlots(slots, here, watched))
        await noting(watched, `connectors' sessions${on}`, () => lookForCopies(anyOf(here), watched))
        findings.note('watch', undefined)
      })
    }),
    ...[...databases].map(([service, db]) =>
      every(LOOK_MS, () => noting(watched, `outbox of ${service}`, () => lookAfterOutbox(db, service, watched))),
    ),
    ...[...databases].map(([service, db]) =>
      every(MAINTAIN_MS, () => noting(watched, `retention of ${service}`, () => maintain(db, service, watched))),
    ),
  ]
  const health = await serveHealth({
    host: config.HOST,
    port: config.WATCH_PORT,
    allowedHosts: config.ALLOWED_HOSTS,
    metrics,
    check: () => findings.reason,
    concerns: () => findings.concerns,
  })
  return {
    async stop() {
      await Promise.all(looking.map((one) => one.stop()))
      await health.close()
      for (const db of databases.values()) await db.destroy()
    },
  }
}

const serverOf = ({ host, port }: DatabaseLogin) => `${host}:${port}`

interface Watched {
  readonly services: readonly string[]
  readonly wanted: ReadonlyMap<string, ConnectorConfig>
  readonly connect: Connect
  readonly restarts: Restarts
  readonly stalls: Stalls
  readonly findings: Findings
  readonly meters: WatchMeters
  readonly log: Log
  /** When a service's publication was mended last; ms. */
  readonly mended: Map<string, number>
  /** What was done last with a connector's login that isn't the connector's to do, and when; ms. */
  readonly copies: Map<string, { readonly copy: Copy; readonly at: number }>
}

async function lookAtConnectors({ connect, wanted, restarts, stalls, findings, meters, log }: Watched): Promise<void> {
  const statuses = await connect.statuses()
  const looks = await eachOnItsOwn(wanted.keys(), async (connector) => {
    const status = statuses.get(connector)
    const running = isRunning(status)
    meters.running.set({ connector }, running ? 1 : 0)
    findings.note(connector, running ? undefined : notRunning(connector, status))
    if (running) restarts.ranWell(connector, Date.now())
    const what = restartDue(stalls, connector, status, Date.now())
    if (what && restarts.isDue(connector, Date.now())) {
      const next = restarts.noteRestart(connector, Date.now())
      log.warn({ connector, fault: faultOf(status), what, nextMs: next }, 'restarting')
      meters.restarts.inc({ connector })
      await connect.restart(connector, { onlyFailed: what === 'failed' })
    }
    const found = status && (await connect.configOf(connector))
    const drift = found ? driftOf(wanted.get(connector)!, found) : []
    meters.drift.set({ connector }, drift.length)
    findings.note(`drift of ${connector}`, drifted(connector, drift))
  })
  throwFailed(looks)
}

function notRunning(connector: string, status: ConnectorStatus | undefined): Finding {
  const what = `connector "${connector}" ${faultOf(status)}`
  return { part: connector, what, remedy: remedyFor(connector, status), unwell: true }
}

function drifted(connector: string, drift: readonly Drift[]): Finding | undefined {
  if (drift.length === 0) return undefined
  const what = `connector "${connector}" isn't what its file says: ${drift.map(describeDrift).join(', ')}`
  return { part: connector, what, remedy: '`npx --no tributary connectors apply`', unwell: false }
}

/** Without its topics a connector waits for ever, and says RUNNING. */
async function lookAtTopics(brokers: KafkaAt, { services, log }: Watched): Promise<void> {
  const made = await ensureHeartbeatTopics(brokers, services)
  if (made.length > 0) log.error({ made }, "connectors' topics were missing, and made again")
}

async function lookAtGroups(
  watch: CoordinatorsWatch,
  brokers: KafkaAt,
  groups: readonly string[],
  { findings, log }: Watched,
): Promise<void> {
  const finding = watch.look(await findUncoordinated(brokers, groups), Date.now())
  if (findings.note('group coordinators', finding)) log.error({ ...finding }, 'consumer groups have no coordinator')
}

async function lookAtSlots(
  watch: SlotsWatch,
  databases: ReadonlyMap<string, Knex>,
  { findings, meters, log }: Watched,
): Promise<void> {
  const services = [...databases.keys()]
  const look = await watch.look(databases, Date.now())
  const slots = new Set([...services.map(slotOf), ...look.slots.keys(), ...look.findings.keys()])
  for (const slot of slots) {
    const finding = look.findings.get(slot)
    if (findings.note(slot, finding)) log.warn({ slot, ...finding }, 'a slot is not well')
  }
  for (const slot of services.map(slotOf)) {
    const state = look.slots.get(slot)
    meters.slotActive.set({ slot }, state?.active ? 1 : 0)
    if (!state) continue
    meters.slotBehind.set({ slot }, state.behind)
    meters.slotRetained.set({ slot }, state.retained)
  }
}

/** Said as an alarm at first, which stops whoever waits for all to be well; then for a day for people to read. */
const COPY_ALARM_MS = 600_000
const COPY_SHOWN_MS = 86_400_000

async function lookForCopies(db: Knex, { services, findings, log, copies }: Watched): Promise<void> {
  for (const copy of await endCopies(db, services)) {
    log.error({ copy }, "a connector's login was used for what isn't its connector's")
    copies.set(copy.login, { copy, at: Date.now() })
  }
  for (const [login, { copy, at }] of copies) {
    const age = Date.now() - at
    const finding = { ...judgeCopy(copy, at), unwell: age < COPY_ALARM_MS }
    findings.note(`copy by ${login}`, age < COPY_SHOWN_MS ? finding : undefined)
  }
}

async function lookAfterOutbox(db: Knex, service: string, { findings, meters, log, mended }: Watched): Promise<void> {
  const look = await lookAtOutbox(db, service)
  if (look.made.length > 0) log.info({ service, made: look.made }, 'outbox partitions made')
  meters.daysAhead.set({ service }, look.daysAhead)
  for (const [what, finding] of Object.entries(look.findings)) {
    if (findings.note(`${what} of ${service}`, finding)) log.warn({ service, ...finding }, 'an outbox is not well')
  }
  const name = `publication of ${service}`
  if (look.mended.length > 0) {
    log.error({ service, was: look.mended }, 'the publication was mended; what was committed meanwhile was not seen')
    findings.note(name, mendedPublication(service, look.mended))
    mended.set(service, Date.now())
  } else if (Date.now() - (mended.get(service) ?? 0) > MENDED_SHOWN_MS) findings.note(name, undefined)
}

/** How long it is said, after a publication was mended, that events may be missing. */
const MENDED_SHOWN_MS = 3_600_000
function mendedPublication(service: string, was: readonly string[]): Finding {
  const at = new Date().toISOString()
  const what = `${was.join(', ')} in the database "${service}" until ${at}; mended: events committed meanwhile were not seen`
  return {
    part: service,
    what,
    remedy: `\`npx --no tributary connectors recover ${service}\` sends them`,
    unwell: false,
  }
}

async function maintain(db: Knex, service: string, { findings, meters, log }: Watched): Promise<void> {
  const { dropped, kept } = await maintainOutbox(db, service, Date.now())
  if (dropped.length > 0) log.info({ service, dropped }, 'outbox partitions dropped')
  if (kept.length > 0) log.warn({ service, kept }, 'old outbox partitions must stay for now')
  findings.note(`old partitions of ${service}`, judgeKept(service, kept, Date.now()))
  meters.kept.set({ service }, kept.length)
}

/** Does some work and notes it as a fault where that fails. */
async function noting({ findings, log }: Watched, what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
    findings.note(what, undefined)
  } catch (error) {
    const finding = { part: what, what: `${what}: ${(error as Error).message}`, unwell: true }
    if (findings.note(what, finding)) log.warn({ err: error }, `${what}: could not be looked at`)
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
