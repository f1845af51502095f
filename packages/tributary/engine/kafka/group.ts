import { heartbeatV4, joinGroupV9, leaveGroupV5, syncGroupV5 } from '@platformatic/kafka'
import { EngineError } from '../errors.ts'
import type { Cluster } from './cluster.ts'
import { faultOf } from './faults.ts'

/** A worker's place in its group, valid for one generation. */
export interface Membership {
  readonly group: string
  readonly instanceId: string
  readonly memberId: string
  readonly generation: number
  /** The partitions whose tasks it runs. */
  readonly partitions: readonly number[]
}

const PROTOCOL_TYPE = 'consumer'
const PROTOCOL = 'tributary-partitions'
const SESSION_TIMEOUT_MS = 10_000
const REBALANCE_TIMEOUT_MS = 30_000
const HEARTBEAT_MS = 2_000

/**
 * Membership in a consumer group (classic protocol, static members: KIP-345). Work is spread by partition number:
 * a worker that has partition 3 reads partition 3 of every topic of its plan.
 */
export class Group {
  readonly #cluster: Cluster
  readonly #group: string
  readonly #instanceId: string
  readonly #partitions: number
  readonly #topics: readonly string[]
  #memberId = ''
  #generation = -1
  #heartbeats: NodeJS.Timeout | undefined
  #beating = false
  #fault: string | undefined

  constructor(options: {
    cluster: Cluster
    group: string
    instanceId: string
    partitions: number
    topics: readonly string[]
  }) {
    this.#cluster = options.cluster
    this.#group = options.group
    this.#instanceId = options.instanceId
    this.#partitions = options.partitions
    this.#topics = options.topics
  }

  /** What ended the membership (`REBALANCE_IN_PROGRESS`, …); undefined while it stands. */
  get fault(): string | undefined {
    return this.#fault
  }

  /** Joins, waits for the others, and gets partitions. Throws `FENCED` when another worker took over this slot. */
  async join(): Promise<Membership> {
    clearInterval(this.#heartbeats)
    for (let attempt = 0; ; attempt++) {
      try {
        const membership = await this.#joinOnce()
        this.#fault = undefined
        this.#heartbeats = setInterval(() => void this.#beat(), HEARTBEAT_MS)
        return membership
      } catch (error) {
        const fault = faultOf(error)
        if (fault === 'FENCED_INSTANCE_ID') {
          throw new EngineError('FENCED', `another worker took over slot "${this.#instanceId}" of "${this.#group}"`, {
            cause: error,
          })
        }
        if (fault === 'UNKNOWN_MEMBER_ID' || fault === 'ILLEGAL_GENERATION') this.#memberId = ''
        else if (fault !== 'REBALANCE_IN_PROGRESS') throw error
        if (attempt >= 20) throw error
      }
    }
  }

  /** Leaves, so that the others take over at once. */
  async leave(): Promise<void> {
    clearInterval(this.#heartbeats)
    if (this.#memberId === '') return
    const connection = await this.#cluster.coordinator({ group: this.#group })
    await leaveGroupV5.api.async(connection, this.#group, [
      { memberId: this.#memberId, groupInstanceId: this.#instanceId, reason: 'worker stops' },
    ])
    this.#memberId = ''
  }

  /** Stops heartbeats without leaving. */
  close(): void {
    clearInterval(this.#heartbeats)
  }

  async #joinOnce(): Promise<Membership> {
    const connection = await this.#cluster.coordinator({ group: this.#group })
    const joined = await joinGroupV9.api.async(
      connection,
      this.#group,
      SESSION_TIMEOUT_MS,
      REBALANCE_TIMEOUT_MS,
      this.#memberId,
      this.#instanceId,
      PROTOCOL_TYPE,
      [{ name: PROTOCOL, metadata: subscriptionOf(this.#topics) }],
      null,
    )
    this.#memberId = joined.memberId ?? ''
    this.#generation = joined.generationId
    const leads = joined.leader === joined.memberId && !joined.skipAssignment
    const assignments = leads
      ? spread(
          (joined.members ?? []).map(({ memberId, groupInstanceId }) => ({
            memberId,
            slot: groupInstanceId ?? memberId,
          })),
          this.#partitions,
        )
      : []
    const synced = await syncGroupV5.api.async(
      connection,
      this.#group,
      this.#generation,
      this.#memberId,
      this.#instanceId,
      PROTOCOL_TYPE,
      PROTOCOL,
      assignments.map(({ memberId, partitions }) => ({ memberId, assignment: assignmentOf(this.#topics, partitions) })),
    )
    return {
      group: this.#group,
      instanceId: this.#instanceId,
      memberId: this.#memberId,
      generation: this.#generation,
      partitions: partitionsIn(synced.assignment),
    }
  }

  async #beat(): Promise<void> {
    if (this.#beating) return
    this.#beating = true
    try {
      const connection = await this.#cluster.coordinator({ group: this.#group })
      await heartbeatV4.api.async(connection, this.#group, this.#generation, this.#memberId, this.#instanceId)
    } catch (error) {
      // A broker that doesn't answer may be back before the session ends; the group says so if it isn't.
      const fault = faultOf(error)
      if (fault !== 'NETWORK' && fault !== 'BROKER_UNAVAILABLE' && !fault.includes('COORDINATOR')) this.#fault = fault
      this.#cluster.forgetCoordinators()
    } finally {
      this.#beating = false
    }
  }
}

/** Spreads partitions over slots in order, the same way every time, so that a restart changes nothing. */
export function spread(
  members: readonly { readonly memberId: string; readonly slot: string }[],
  partitions: number,
): { memberId: string; partitions: number[] }[] {
  const sorted = [...members].sort((a, b) => (a.slot < b.slot ? -1 : 1))
  const shares = sorted.map(({ memberId }) => ({ memberId, partitions: [] as number[] }))
  for (let p = 0; p < partitions; p++) shares[Math.floor((p * shares.length) / partitions)]?.partitions.push(p)
  return shares
}

/** The consumer protocol's subscription, version 0, so that Kafka's own tools can show it. */
function subscriptionOf(topics: readonly string[]): Buffer {
  return Buffer.concat([int16(0), int32(topics.length), ...topics.map(text), int32(-1)])
}

function assignmentOf(topics: readonly string[], partitions: readonly number[]): Buffer {
  const list = Buffer.concat([int32(partitions.length), ...partitions.map(int32)])
  const all = topics.flatMap((topic) => [text(topic), list])
  return Buffer.concat([int16(0), int32(topics.length), ...all, int32(-1)])
}

/** All topics have the same partitions, so the first one's tell. */
function partitionsIn(assignment: Buffer | null): number[] {
  if (!assignment || assignment.length < 6 || assignment.readInt32BE(2) === 0) return []
  let at = 6
  at += 2 + assignment.readInt16BE(at)
  const count = assignment.readInt32BE(at)
  return Array.from({ length: count }, (_, i) => assignment.readInt32BE(at + 4 + 4 * i))
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}
function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([int16(bytes.length), bytes])
}
