import { isIP } from 'node:net'
import { Connection, type ConnectionOptions, findCoordinatorV4, metadataV12, ProtocolError } from '@platformatic/kafka'
import { type KafkaAt, securedKafka } from '#runtime/kafka-at'
import { EngineError } from '../errors.ts'
import { faultOf } from './faults.ts'

/** An error for a protocol error code that came inside an otherwise fine response. */
export function brokerFault(code: number): Error {
  return new ProtocolError(code)
}

export type CoordinatorOf = { readonly group: string } | { readonly transactionalId: string }

interface Leaders {
  readonly nodes: ReadonlyMap<number, { readonly host: string; readonly port: number }>
  /** By topic, then partition: the leading node. */
  readonly leaders: ReadonlyMap<string, readonly number[]>
}

/**
 * Connections to a cluster for one purpose. A broker answers a connection's requests one after another, so a long
 * poll must not share a connection with anything else: each purpose has its own `Cluster`.
 */
export class Cluster {
  readonly #at: KafkaAt
  readonly #clientId: string
  readonly #requestTimeoutMs: number
  readonly #connections = new Map<string, Promise<Connection>>()
  readonly #coordinators = new Map<string, { readonly host: string; readonly port: number }>()
  #leaders: Leaders | undefined
  readonly #topicIds = new Map<string, string>()

  constructor(options: { brokers: KafkaAt; clientId: string; requestTimeoutMs?: number }) {
    this.#at = options.brokers
    this.#clientId = options.clientId
    this.#requestTimeoutMs = options.requestTimeoutMs ?? 15_000
  }

  /** Another set of connections to the same cluster. */
  fork(): Cluster {
    return new Cluster({ brokers: this.#at, clientId: this.#clientId, requestTimeoutMs: this.#requestTimeoutMs })
  }

  /** A connection to whichever bootstrap broker answers. Throws `BROKER_UNAVAILABLE` when none does. */
  async any(): Promise<Connection> {
    let cause: unknown
    const { brokers } = securedKafka(this.#at)
    for (const address of brokers) {
      const colon = address.lastIndexOf(':')
      try {
        return await this.#connect(address.slice(0, colon), Number(address.slice(colon + 1)))
      } catch (error) {
        cause = error
      }
    }
    throw new EngineError('BROKER_UNAVAILABLE', `no Kafka broker answers at ${brokers.join(', ')}`, { cause })
  }

  /** A connection to the broker that coordinates a group or a transactional id, as it was last found. */
  async coordinator(of: CoordinatorOf): Promise<Connection> {
    const [type, key] = 'group' in of ? [0, of.group] : [1, of.transactionalId]
    const known = this.#coordinators.get(`${type}/${key}`)
    if (known) return this.#connect(known.host, known.port)
    const found = await findCoordinatorV4.api.async(await this.any(), type, [key])
    const coordinator = found.coordinators[0]
    if (!coordinator) throw new EngineError('BROKER_UNAVAILABLE', `there is no coordinator for "${key}" now`)
    this.#coordinators.set(`${type}/${key}`, coordinator)
    return this.#connect(coordinator.host, coordinator.port)
  }

  /** Forgets who coordinates: after an error, ask again. */
  forgetCoordinators(): void {
    this.#coordinators.clear()
  }

  /** A connection to a node. */
  async node(id: number): Promise<Connection> {
    const node = this.#leaders?.nodes.get(id)
    if (!node) throw new EngineError('BROKER_UNAVAILABLE', `broker ${id} is not in the cluster's metadata`)
    return this.#connect(node.host, node.port)
  }

  /** Learns who leads the partitions of topics. Throws `TOPIC_MISSING` when one isn't there. */
  async learn(topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    let response: Awaited<ReturnType<typeof metadataV12.api.async>>
    try {
      response = await metadataV12.api.async(await this.any(), [...topics], false, false)
    } catch (error) {
      if (faultOf(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error
      throw new EngineError(
        'TOPIC_MISSING',
        `one of the topics ${topics.join(', ')} doesn't exist: run \`npx --no tributary topics apply\``,
        { cause: error },
      )
    }
    const leaders = new Map(this.#leaders?.leaders)
    for (const { name, topicId, partitions } of response.topics) {
      this.#topicIds.set(name ?? '', topicId)
      const ofTopic: number[] = []
      for (const { partitionIndex, leaderId } of partitions) ofTopic[partitionIndex] = leaderId
      leaders.set(name ?? '', ofTopic)
    }
    this.#leaders = { nodes: new Map(response.brokers.map((broker) => [broker.nodeId, broker])), leaders }
    return new Map(response.topics.map(({ name, partitions }) => [name ?? '', partitions.length]))
  }

  /** A topic's id, as last learned: another one when the topic was deleted and made again. */
  topicId(topic: string): string {
    return this.#topicIds.get(topic) ?? ''
  }

  /** The node that leads a partition, as last learned. */
  leaderOf(topic: string, partition: number): number {
    const leader = this.#leaders?.leaders.get(topic)?.[partition]
    if (leader === undefined || leader < 0) {
      throw new EngineError('BROKER_UNAVAILABLE', `no broker leads partition ${partition} of "${topic}" now`)
    }
    return leader
  }

  async close(): Promise<void> {
    const connections = [...this.#connections.values()]
    this.#connections.clear()
    await Promise.allSettled(connections.map(async (connection) => (await connection).close()))
  }

  #connect(host: string, port: number): Promise<Connection> {
    const address = `${host}:${port}`
    const known = this.#connections.get(address)
    if (known) return known.then((connection) => (connection.isConnected() ? connection : this.#renew(address, known)))
    return this.#renew(address, undefined)
  }

  #renew(address: string, stale: Promise<Connection> | undefined): Promise<Connection> {
    const known = this.#connections.get(address)
    if (known && known !== stale) return known
    const colon = address.lastIndexOf(':')
    const host = address.slice(0, colon)
    const opened = open(host, Number(address.slice(colon + 1)), this.#clientId, {
      ...connectionOptions(this.#at, host),
      requestTimeout: this.#requestTimeoutMs,
    })
    this.#connections.set(address, opened)
    opened.catch(() => {
      if (this.#connections.get(address) === opened) this.#connections.delete(address)
    })
    return opened
  }
}

/** How a connection is secured. The certificate must be the host's; an address is none that TLS is told beforehand. */
function connectionOptions(at: KafkaAt, host: string): ConnectionOptions {
  const { tls, sasl } = securedKafka(at)
  return { ...(tls && { tls: { ...tls }, tlsServerName: isIP(host) === 0 }), ...(sasl && { sasl: { ...sasl } }) }
}

async function open(host: string, port: number, clientId: string, options: ConnectionOptions): Promise<Connection> {
  const connection = new Connection(clientId, { ...options, connectTimeout: 3_000 })
  // Every request fails by itself when the connection breaks; the event has no news for us.
  connection.on('error', () => {})
  await connection.connect(host, port)
  return connection
}
