import type { EventsTopic } from '#contracts/topic'

/** A processor on the way to a read model: what it reads and what it writes. Topics of its own are found by prefix. */
export interface Stage {
  readonly readModel: string
  readonly group: string
  /** Domain topics, and rows topics of other read models. */
  readonly inputs: readonly string[]
  readonly output: string
  /** How often a change may cross to another partition, through the processor's own topics, until it is written. */
  readonly hops: number
}

/** All that lies between the services' commits and the rows topics. */
export interface Chain {
  /** By service. */
  readonly domainTopics: ReadonlyMap<string, EventsTopic>
  readonly stages: readonly Stage[]
  /** What services subscribe to, by consumer group: from it follow commits of their own. */
  readonly subscriptions: ReadonlyMap<string, readonly string[]>
}
