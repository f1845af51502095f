import { setTimeout as sleep } from 'node:timers/promises'
import { fetchAt, type HttpAt, unreachable } from '#runtime/http-at'
import type { ConnectorConfig } from './configuration.ts'

export type State = 'UNASSIGNED' | 'RUNNING' | 'PAUSED' | 'STOPPED' | 'FAILED' | 'RESTARTING'

/** What Connect says of a connector. A connector can be RUNNING while its task is FAILED: look at the tasks. */
export interface ConnectorStatus {
  readonly name: string
  readonly state: State
  readonly tasks: readonly { readonly id: number; readonly state: State; readonly trace?: string }[]
}

/** Kafka Connect's REST interface (https://kafka.apache.org/documentation/#connect_rest). */
export interface Connect {
  configOf(connector: string): Promise<ConnectorConfig | undefined>
  putConfig(connector: string, config: ConnectorConfig): Promise<void>
  /** By connector name. */
  statuses(): Promise<ReadonlyMap<string, ConnectorStatus>>
  /** Restarts a connector and its tasks; only what has failed unless told otherwise. */
  restart(connector: string, options: { onlyFailed: boolean }): Promise<void>
  /** Takes a connector's tasks down until `resume`; its offsets can be changed only then. */
  stop(connector: string): Promise<void>
  resume(connector: string): Promise<void>
  /** How far a connector has read its source, as it notes it itself; undefined where it has noted nothing. */
  offsetOf(connector: string): Promise<SourceOffset | undefined>
  /** Says where a stopped connector goes on reading. */
  putOffset(connector: string, offset: SourceOffset): Promise<void>
}

/** A place in the source of a connector, in Debezium's form. */
export interface SourceOffset {
  readonly partition: Readonly<Record<string, unknown>>
  readonly offset: Readonly<Record<string, unknown>>
}

/** Connect answered with an error. */
export class ConnectError extends Error {
  override readonly name = 'ConnectError'
  readonly status: number
  constructor(what: string, status: number, message: string) {
    super(`Kafka Connect: ${what} answered ${status}: ${message}`)
    this.status = status
  }
}

const RETRY_PAUSE_MS = 500

/**
 * Talks to Connect. While it rebalances (409), starts or can't be reached, requests are made again for
 * `patienceMs`.
 */
export function connectAt(at: HttpAt, patienceMs = 60_000): Connect {
  async function request(method: string, path: string, body?: unknown): Promise<unknown> {
    const deadline = Date.now() + patienceMs
    for (;;) {
      try {
        return await requestOnce(method, path, body)
      } catch (error) {
        const passing = !(error instanceof ConnectError) || error.status === 409 || error.status >= 500
        if (!passing || Date.now() + RETRY_PAUSE_MS > deadline) throw error
        await sleep(RETRY_PAUSE_MS)
      }
    }
  }

  async function requestOnce(method: string, path: string, body: unknown): Promise<unknown> {
    const what = `${method} ${path}`
    let response: Response
    try {
      response = await fetchAt(at, path, {
        method,
        signal: AbortSignal.timeout(30_000),
        ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      })
    } catch (cause) {
      unreachable('Kafka Connect', 'CONNECT_URL', at, cause)
    }
    const text = await response.text()
    if (response.status === 404) return undefined
    if (!response.ok) throw new ConnectError(what, response.status, messageIn(text))
    return text === '' ? undefined : JSON.parse(text)
  }

  return {
    configOf: async (connector) =>
      (await request('GET', `/connectors/${connector}/config`)) as ConnectorConfig | undefined,
    putConfig: async (connector, config) => void (await request('PUT', `/connectors/${connector}/config`, config)),
    statuses: async () => {
      const found = (await request('GET', '/connectors?expand=status')) as Record<string, { status: ExpandedStatus }>
      return new Map(
        Object.entries(found ?? {}).map(([name, { status }]) => [
          name,
          { name, state: status.connector.state, tasks: status.tasks },
        ]),
      )
    },
    restart: async (connector, { onlyFailed }) =>
      void (await request('POST', `/connectors/${connector}/restart?includeTasks=true&onlyFailed=${onlyFailed}`)),
    stop: async (connector) => void (await request('PUT', `/connectors/${connector}/stop`)),
    resume: async (connector) => void (await request('PUT', `/connectors/${connector}/resume`)),
    offsetOf: async (connector) => {
      const found = (await request('GET', `/connectors/${connector}/offsets`)) as
        | { offsets: SourceOffset[] }
        | undefined
      return found?.offsets[0]
    },
    putOffset: async (connector, offset) =>
      void (await request('PATCH', `/connectors/${connector}/offsets`, { offsets: [offset] })),
  }
}

interface ExpandedStatus {
  readonly connector: { readonly state: State }
  readonly tasks: ConnectorStatus['tasks']
}

function messageIn(text: string): string {
  try {
    return JSON.parse(text).message ?? text
  } catch {
    return text
  }
}

/** Whether the connector and at least one task run, and none has failed. */
export function isRunning(status: ConnectorStatus | undefined): boolean {
  return (
    status?.state === 'RUNNING' && status.tasks.length > 0 && status.tasks.every((task) => task.state === 'RUNNING')
  )
}

/** Whether the connector or one of its tasks has failed. */
export const hasFailed = (status: ConnectorStatus | undefined): boolean => isAnywhere('FAILED', status)

/** Whether Connect says of the connector or of one of its tasks that no worker runs it. */
export const isUnassigned = (status: ConnectorStatus | undefined): boolean => isAnywhere('UNASSIGNED', status)

/** Whether somebody holds the connector: Connect remembers that, and a restart leaves it so. Only `resume` ends it. */
export const isHeld = (status: ConnectorStatus | undefined): boolean =>
  status?.state === 'PAUSED' || status?.state === 'STOPPED'

function isAnywhere(state: State, status: ConnectorStatus | undefined): boolean {
  return status !== undefined && (status.state === state || status.tasks.some((task) => task.state === state))
}

/** What a failed task says in the end, in whole, or of what is known instead. */
export function faultOf(status: ConnectorStatus | undefined): string {
  if (!status) return 'is missing'
  if (isHeld(status)) return `was ${status.state.toLowerCase()} by somebody, and stays so`
  const failed = status.tasks.find((task) => task.state === 'FAILED')
  if (failed) return `its task ${failed.id} has failed: ${rootCause(failed.trace)}`
  if (status.tasks.length === 0) return `is ${status.state} without a task`
  return `is ${status.state}, its task ${status.tasks.map((task) => task.state).join(', ')}`
}

/** What mends a connector that doesn't run, for a person. */
export function remedyFor(connector: string, status: ConnectorStatus | undefined): string {
  const service = connector.replace(/-outbox$/, '')
  if (!status || isHeld(status)) return '`npx --no tributary connectors apply`'
  if (!hasFailed(status)) return `\`npx --no tributary connectors restart ${connector}\``
  return `it is restarted by itself; where it says that its position is gone, \`npx --no tributary connectors recover ${service}\``
}

/** The message of a Java stack trace's last cause, all its lines. */
function rootCause(trace = ''): string {
  const lines = trace.split('\n')
  const from = Math.max(
    0,
    lines.findLastIndex((line) => line.startsWith('Caused by: ')),
  )
  const length = lines.slice(from + 1).findIndex((line) => /^\s+(at |\.\.\. \d+ more)/.test(line))
  const message = lines.slice(from, length < 0 ? undefined : from + 1 + length)
  return message.join(' ').replace('Caused by: ', '').trim()
}
