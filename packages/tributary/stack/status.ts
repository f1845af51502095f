import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Concern } from '#runtime/health'
import { printable } from '#runtime/printable'
import { addressesOf, type StackSettings } from './environment.ts'
import type { ServerName } from './given.ts'
import { ailingConnectorsOf, ailmentOfGiven } from './given-health.ts'
import { type Condition, conditionOf } from './health.ts'
import { readSelection } from './home.ts'
import { runningProcesses } from './make-room.ts'
import { type Memory, memoryOf } from './memory.ts'
import { type Places, placesOf } from './places.ts'
import { type ProcessSpec, select } from './processes.ts'
import { readSecrets } from './secrets.ts'
import type { CommandExists } from './set-up.ts'
import { type Supervised, supervisorPid } from './supervisor/client.ts'

export interface ProcessStatus {
  readonly name: string
  readonly kind: ProcessSpec['kind'] | 'supervisor'
  /** `ready` = runs and says that it is well; `unwell` = runs, `reason` says what is wrong. */
  readonly state: 'ready' | 'unwell' | 'restarting' | 'stopped'
  readonly reason?: string
  /** What it says that somebody should look after though it works. */
  readonly concerns: readonly Concern[]
  readonly pid: number | null
  readonly restarts: number
  /** Null for the supervisor, which listens on none, and for servers that are given. */
  readonly port: number | null
  /** Seconds. */
  readonly uptime: number
  /** With its children; 0 where the system doesn't tell. */
  readonly memoryMb: number
  /** The most since it was started. */
  readonly peakMemoryMb: number
}

export interface StackStatus {
  /** Every process is. Concerns don't count. */
  readonly ready: boolean
  /** Of all processes, each once. */
  readonly concerns: readonly Concern[]
  readonly urls: Urls
  readonly processes: readonly ProcessStatus[]
}

export interface Urls {
  readonly kafka: string
  readonly connect: string
  readonly registry: string
  readonly elasticsearch: string
  readonly postgres: string
  readonly reports: string
  readonly services: Readonly<Record<string, string>>
}

export function urlsOf(settings: Pick<StackSettings, 'shape' | 'ports' | 'given'>): Urls {
  const { shape, ports, given } = settings
  const at = addressesOf(settings)
  return {
    kafka: at.KAFKA_BROKERS!,
    connect: at.CONNECT_URL!,
    registry: at.REGISTRY_URL!,
    elasticsearch: at.ELASTICSEARCH_URL!,
    postgres: given.servers.includes('postgres')
      ? (at.POSTGRES_URL ?? 'a server per service')
      : `postgres://127.0.0.1:${ports.POSTGRES_PORT}`,
    reports: at.REPORTS_URL!,
    services: Object.fromEntries(shape.ownServices.map((name) => [name, at[`${name.toUpperCase()}_URL`]!])),
  }
}

/** How the native stack is. Starts nothing. */
export async function nativeStatus(settings: StackSettings, commandExists: CommandExists): Promise<StackStatus> {
  const places = placesOf(settings)
  const secrets = readSecrets(settings.home)
  const only = readSelection(places)
  const specs = select(settings.shape.processes, only).filter((spec) => !spec.command || commandExists(spec.command))
  // A supervisor that hangs is what somebody has to know, not a reason to say nothing.
  let fault: string | undefined
  const running = await runningProcesses(places).catch((error: Error) => {
    fault = error.message
    return new Map<string, Supervised>()
  })
  const memory = memoryOf([...running.values()].flatMap((one) => one.pid ?? []))
  const found = await Promise.all(
    specs.map(async (spec): Promise<ProcessStatus> => {
      const one = running.get(spec.name)
      const online = one?.state === 'online'
      const well: Condition = { ailment: undefined, concerns: [] }
      const { concerns, ...asked } = online || fault ? await conditionOf(spec, settings.ports, secrets) : well
      let { ailment } = asked
      if (online && !ailment && spec.name === 'connect' && !only && commandExists(['connectors', 'apply'])) {
        ailment = await ailingConnectorsOf(settings)
      }
      if (fault) ailment ??= 'it answers, but nobody starts it again should it end'
      if (one?.lastEnd) ailment = one.lastEnd
      return {
        name: spec.name,
        kind: spec.kind,
        state:
          online || fault ? (ailment ? 'unwell' : 'ready') : one && one.state !== 'stopped' ? 'restarting' : 'stopped',
        ...(ailment ? { reason: ailment } : {}),
        concerns,
        pid: one?.pid ?? null,
        restarts: one?.restarts ?? 0,
        port: settings.ports[spec.port]!,
        uptime: secondsSince(one?.since),
        ...megabytes(one?.pid ? memory.get(one.pid) : undefined),
      }
    }),
  )
  return statusOf(
    [supervisorStatus(places, fault), ...(await Promise.all(settings.given.servers.map(givenStatus))), ...found],
    urlsOf(settings),
  )

  /** Of a server that somebody else runs. */
  async function givenStatus(name: ServerName): Promise<ProcessStatus> {
    const ailment = await ailmentOfGiven(name, settings)
    return {
      ...{ name, kind: 'server', state: ailment ? 'unwell' : 'ready', ...(ailment ? { reason: ailment } : {}) },
      ...{ concerns: [], pid: null, restarts: 0, port: null, uptime: 0, memoryMb: 0, peakMemoryMb: 0 },
    }
  }
}

/** What all processes together come to. */
export function statusOf(processes: readonly ProcessStatus[], urls: Urls): StackStatus {
  const concerns = new Map<string, Concern>()
  for (const one of processes.flatMap((process) => process.concerns)) concerns.set(`${one.part}\0${one.what}`, one)
  const ready = processes.every((one) => one.state === 'ready')
  return { ready, concerns: [...concerns.values()], urls, processes }
}

function supervisorStatus(places: Places, fault: string | undefined): ProcessStatus {
  const pid = supervisorPid(places)
  return {
    name: 'supervisor',
    kind: 'supervisor',
    state: pid === undefined ? 'stopped' : fault ? 'unwell' : 'ready',
    ...(fault ? { reason: fault } : {}),
    concerns: [],
    pid: pid ?? null,
    restarts: 0,
    port: null,
    uptime: pid === undefined ? 0 : secondsSince(statSync(join(places.supervisor, 'supervisor.pid')).mtimeMs),
    // Its children are counted as processes of their own.
    ...megabytes(pid === undefined ? undefined : memoryOf([pid], { alone: true }).get(pid)),
  }
}

const secondsSince = (ms: number | undefined) =>
  ms === undefined ? 0 : Math.max(0, Math.round((Date.now() - ms) / 1000))

const megabytes = (memory: Memory | undefined) => ({
  memoryMb: Math.round((memory?.now ?? 0) / 1e6),
  peakMemoryMb: Math.round((memory?.peak ?? 0) / 1e6),
})

/** A table for people. */
export function statusTable(status: StackStatus): string {
  const rows = status.processes.map((one) => [
    one.name,
    one.state,
    one.pid === null ? '' : String(one.pid),
    one.port === null ? '' : `:${one.port}`,
    one.uptime ? `${one.uptime} s` : '',
    one.restarts ? `${one.restarts}` : '',
    one.memoryMb ? `${one.memoryMb} MB` : '',
    one.peakMemoryMb ? `${one.peakMemoryMb} MB` : '',
    one.reason ?? '',
  ])
  const table = [['process', 'state', 'pid', 'port', 'up', 'restarts', 'memory', 'peak', ''], ...rows]
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)))
  const text = table.map((row) =>
    printable(
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    ),
  )
  const concerns = status.concerns.map(({ part, what, remedy }) =>
    printable(`  ${part}: ${what}${remedy === undefined ? '' : ` → ${remedy}`}`),
  )
  if (concerns.length > 0) text.push('', 'to look after:', ...concerns)
  const some = concerns.length === 1 ? 'a concern' : `${concerns.length} concerns`
  const verdict = status.ready ? (concerns.length > 0 ? `ready, with ${some}` : 'ready') : 'not ready'
  return `${text.join('\n')}\n\n${verdict}`
}
