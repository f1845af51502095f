import { setTimeout as delay } from 'node:timers/promises'
import { createTopicsV7, deleteRecordsV2, listOffsetsV7, offsetFetchV9 } from '@platformatic/kafka'
import { EngineError } from '../errors.ts'
import type { Cluster } from './cluster.ts'
import { faultOf } from './faults.ts'

export interface NewTopic {
  readonly name: string
  readonly partitions: number
  readonly config: Readonly<Record<string, string>>
}

/** What a group committed for a partition; undefined where it has committed nothing yet. */
export interface Commit {
  readonly offset: number
  readonly metadata: string
}

const CREATE_TIMEOUT_MS = 10_000
const EARLIEST = -2n
const LATEST = -1n

/** Creates the topics that are missing, with the broker's replication factor. */
export async function createMissingTopics(cluster: Cluster, topics: readonly NewTopic[]): Promise<void> {
  for (const { name, partitions, config } of topics) {
    try {
      await createTopicsV7.api.async(
        await cluster.any(),
        [
          {
            name,
            numPartitions: partitions,
            replicationFactor: -1,
            assignments: [],
            configs: Object.entries(config).map(([name, value]) => ({ name, value })),
          },
        ],
        CREATE_TIMEOUT_MS,
        false,
      )
    } catch (error) {
      if (faultOf(error) !== 'TOPIC_ALREADY_EXISTS') throw error
    }
  }
}

/** Checks that topics are there with the partitions a plan counts on, waiting a while for new ones to be led. */
export async function checkTopics(cluster: Cluster, topics: readonly string[], partitions: number): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      const found = await cluster.learn(topics)
      for (const [topic, count] of found) {
        if (count === partitions) continue
        throw new EngineError(
          'PARTITIONS_DIFFER',
          `topic "${topic}" has ${count} partitions, the plan needs ${partitions}: make a new generation of the topic`,
        )
      }
      for (const topic of topics) for (let p = 0; p < partitions; p++) cluster.leaderOf(topic, p)
      return
    } catch (error) {
      if (attempt >= 50 || !(error instanceof EngineError) || !error.canRetry) throw error
      await delay(100)
    }
  }
}

/** The offsets of partitions' first records still there, or of their logs' ends (high watermark, not last stable). */
export async function listOffsets(
  cluster: Cluster,
  which: 'earliest' | 'high watermark',
  wanted: readonly { readonly topic: string; readonly partition: number }[],
): Promise<Map<string, number>> {
  const timestamp = which === 'earliest' ? EARLIEST : LATEST
  const byLeader = Map.groupBy(wanted, ({ topic, partition }) => cluster.leaderOf(topic, partition))
  const offsets = new Map<string, number>()
  for (const [leader, ofLeader] of byLeader) {
    const topics = [...Map.groupBy(ofLeader, ({ topic }) => topic)].map(([name, ofTopic]) => ({
      name,
      partitions: ofTopic.map(({ partition }) => ({ partitionIndex: partition, currentLeaderEpoch: -1, timestamp })),
    }))
    const response = await listOffsetsV7.api.async(await cluster.node(leader), -1, 0, topics)
    for (const { name, partitions } of response.topics) {
      for (const { partitionIndex, offset } of partitions) offsets.set(`${name}/${partitionIndex}`, Number(offset))
    }
  }
  return offsets
}

/**
 * What a group has committed, waiting for commits that are still pending (KIP-447): an offset from before one would
 * have its records worked off twice.
 */
export async function stableCommits(
  cluster: Cluster,
  group: string,
  topics: readonly string[],
  partitions: readonly number[],
): Promise<Map<string, Commit>> {
  for (let attempt = 0; ; attempt++) {
    try {
      const response = await offsetFetchV9.api.async(
        await cluster.coordinator({ group }),
        [
          {
            groupId: group,
            memberId: null,
            memberEpoch: -1,
            topics: topics.map((name) => ({ name, partitionIndexes: [...partitions] })),
          },
        ],
        true,
      )
      const commits = new Map<string, Commit>()
      for (const { name, partitions } of response.groups[0]?.topics ?? []) {
        for (const { partitionIndex, committedOffset, metadata } of partitions) {
          if (committedOffset < 0n) continue
          commits.set(`${name}/${partitionIndex}`, { offset: Number(committedOffset), metadata: metadata ?? '' })
        }
      }
      return commits
    } catch (error) {
      const fault = faultOf(error)
      const waits = fault === 'UNSTABLE_OFFSET_COMMIT' || fault.startsWith('COORDINATOR') || fault === 'NOT_COORDINATOR'
      if (!waits || attempt > 900) throw error
      cluster.forgetCoordinators()
      await delay(100)
    }
  }
}

/** Deletes what lies before the given offsets. */
export async function purge(
  cluster: Cluster,
  topic: string,
  before: readonly { readonly partition: number; readonly offset: number }[],
): Promise<void> {
  const byLeader = Map.groupBy(before, ({ partition }) => cluster.leaderOf(topic, partition))
  for (const [leader, ofLeader] of byLeader) {
    const partitions = ofLeader.map(({ partition, offset }) => ({ partitionIndex: partition, offset: BigInt(offset) }))
    await deleteRecordsV2.api.async(await cluster.node(leader), [{ name: topic, partitions }], CREATE_TIMEOUT_MS)
  }
}
