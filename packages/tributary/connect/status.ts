import { type ConnectorConfig, type Drift, describeDrift, driftOf } from './configuration.ts'
import { type Connect, faultOf, isRunning, remedyFor } from './connect.ts'

/** How one connector does. */
export interface ConnectorState {
  readonly connector: string
  readonly running: boolean
  /** Why it doesn't run; undefined while it does. */
  readonly fault: string | undefined
  /** What mends that. */
  readonly remedy: string | undefined
  readonly drift: readonly Drift[]
}

/** How each wanted connector does. */
export async function connectorStates(
  connect: Connect,
  wanted: ReadonlyMap<string, ConnectorConfig>,
): Promise<ConnectorState[]> {
  const statuses = await connect.statuses()
  return Promise.all(
    [...wanted].map(async ([connector, config]) => {
      const status = statuses.get(connector)
      const found = status && (await connect.configOf(connector))
      const running = isRunning(status)
      return {
        connector,
        running,
        fault: running ? undefined : faultOf(status),
        remedy: running ? undefined : remedyFor(connector, status),
        drift: found ? driftOf(config, found) : [],
      }
    }),
  )
}

/** A connector's state for people: a line, and one for each setting that drifted. */
export function describeState({ connector, running, fault, remedy, drift }: ConnectorState): string {
  const drifted = drift.length === 0 ? '' : `, ${drift.length} settings differ from connectors/outbox.json`
  const line = `${connector} ${running ? 'runs' : `${fault}: ${remedy}`}${drifted}`
  return [line, ...drift.map((each) => `  ${describeDrift(each)}`)].join('\n')
}
