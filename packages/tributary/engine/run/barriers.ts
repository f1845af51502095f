import { listOffsets } from '../kafka/admin.ts'
import type { Cluster } from '../kafka/cluster.ts'
import type { Inbound } from './inbound.ts'
import type { EpochOutput } from './tasks.ts'

/**
 * Messages between a worker's own tasks can be handed over directly, but mustn't overtake earlier ones that are still
 * in the exchange topic. So at the beginning of a session each partition has a barrier, the end of its exchange topic,
 * and is opened for them when the topic is taken in up to there.
 */
export class Barriers {
  readonly #cluster: Cluster
  readonly #exchange: string
  readonly #inbound: Inbound
  /** Offsets in the exchange topic, by partition; none of partitions that were opened. */
  readonly #barriers = new Map<number, number>()

  constructor(cluster: Cluster, exchange: string, inbound: Inbound) {
    this.#cluster = cluster
    this.#exchange = exchange
    this.#inbound = inbound
  }

  /** Puts the barriers of `partitions` at the ends of their exchange topics. */
  async raise(partitions: readonly number[]): Promise<void> {
    const topic = this.#exchange
    const places = partitions.map((partition) => ({ topic, partition }))
    const ends = await listOffsets(this.#cluster, 'high watermark', places)
    for (const partition of partitions) {
      const end = ends.get(`${topic}/${partition}`) ?? 0
      this.#barriers.set(partition, end)
      // The next epoch waits for it: else it would send the same way again, and so on.
      this.#inbound.expect(topic, partition, end)
    }
  }

  /** Raises them behind what an epoch sent through the exchange: that mustn't be overtaken either. */
  async raiseBehind(sent: EpochOutput['exchange']): Promise<void> {
    const partitions = new Set(sent.map(({ partition }) => partition))
    await this.raise([...partitions].filter((partition) => this.#barriers.has(partition)))
  }

  /** Partitions that are to be opened now: their exchange topic is taken in up to the barrier. Gives each once. */
  passed(): number[] {
    const passed: number[] = []
    for (const [partition, barrier] of this.#barriers) {
      if (this.#inbound.takenUpTo(this.#exchange, partition) < barrier) continue
      this.#barriers.delete(partition)
      passed.push(partition)
    }
    return passed
  }
}
