import { setTimeout as sleep } from 'node:timers/promises'
import { type Each, eachOnItsOwn } from '#runtime/each'
import { type KafkaAt, kafkaOptions } from '#runtime/kafka-at'
import kafkajs from '#runtime/kafkajs'
import { type ConnectorConfig, type Drift, driftOf, heartbeatTopicOf, messageTopicOf } from './configuration.ts'
import { type Connect, type ConnectorStatus, faultOf, isHeld, isRunning, remedyFor } from './connect.ts'
import { restartDue } from './restarts.ts'
import { openStalls } from './stalls.ts'

/** What `applyConnectors` found and did with one connector. */
export interface Applied {
  readonly connector: string
  readonly change: 'created' | 'changed' | 'unchanged'
  readonly drift: readonly Drift[]
  /** Whether somebody had paused or stopped it. */
  readonly resumed: boolean
}

/** Makes connectors what they should be, and lets them run, where they aren't or don't; each on its own. Safe to run again. */
export async function applyConnectors(
  connect: Connect,
  wanted: ReadonlyMap<string, ConnectorConfig>,
): Promise<Each<string, Applied>> {
  const statuses = await connect.statuses()
  return eachOnItsOwn(wanted.keys(), async (connector): Promise<Applied> => {
    const found = await connect.configOf(connector)
    const drift = found ? driftOf(wanted.get(connector)!, found) : []
    const change = !found ? 'created' : drift.length > 0 ? 'changed' : 'unchanged'
    if (change !== 'unchanged') await connect.putConfig(connector, wanted.get(connector)!)
    const resumed = isHeld(statuses.get(connector))
    if (resumed) await connect.resume(connector)
    return { connector, change, drift, resumed }
  })
}

/**
 * Creates the topics of the connectors' heartbeats and logical messages where they are missing; gives those. Short-lived, one
 * partition. (Neither the broker nor Connect makes topics.)
 */
export async function ensureHeartbeatTopics(brokers: KafkaAt, services: readonly string[]): Promise<string[]> {
  const kafka = new kafkajs.Kafka({
    clientId: 'tributary-connectors',
    ...kafkaOptions(brokers),
    logLevel: kafkajs.logLevel.NOTHING,
  })
  const admin = kafka.admin()
  await admin.connect()
  try {
    const there = new Set(await admin.listTopics())
    const missing = services
      .flatMap((service) => [heartbeatTopicOf(service), messageTopicOf(service)])
      .filter((topic) => !there.has(topic))
    if (missing.length > 0) {
      await admin.createTopics({
        waitForLeaders: false,
        topics: missing.map((topic) => ({
          topic,
          numPartitions: 1,
          replicationFactor: -1,
          configEntries: [
            { name: 'retention.ms', value: '3600000' },
            // Postgres may be on a machine with another clock.
            { name: 'message.timestamp.after.max.ms', value: '9223372036854775807' },
          ],
        })),
      })
    }
    return missing
  } finally {
    await admin.disconnect()
  }
}

/**
 * Waits until connectors and their tasks run; restarts what fails, or stays unassigned, on the way.
 * Throws after `patienceMs`, naming each that doesn't run and why.
 */
export async function awaitRunning(
  connect: Connect,
  connectors: readonly string[],
  patienceMs = 90_000,
): Promise<void> {
  const deadline = Date.now() + patienceMs
  const stalls = openStalls()
  for (let pause = 500; ; pause = Math.min(pause * 1.5, 5_000)) {
    const statuses = await connect.statuses()
    const idle = connectors.filter((connector) => !isRunning(statuses.get(connector)))
    if (idle.length === 0) return
    if (Date.now() > deadline) throw new Error(idle.map((name) => describeIdle(name, statuses.get(name))).join('\n'))
    for (const connector of idle) {
      const what = restartDue(stalls, connector, statuses.get(connector), Date.now())
      if (what) await connect.restart(connector, { onlyFailed: what === 'failed' })
    }
    await sleep(pause)
  }
}

export const describeIdle = (connector: string, status: ConnectorStatus | undefined) =>
  `connector "${connector}" ${faultOf(status)}: ${remedyFor(connector, status)}`
