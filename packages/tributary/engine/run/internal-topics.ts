import type { NewTopic } from '../kafka/admin.ts'

/** Where an app's state is kept: one topic, keyed by operator name and row key, so that operators keep theirs apart. */
export const changelogOf = (app: string) => `${app}-state-changelog`

/** What an app's workers send one another: one topic, each message naming its operator. */
export const exchangeOf = (app: string) => `${app}-exchange-repartition`

/**
 * The engine's own topics. One of each per app, not one per operator: a transaction costs the broker a marker in
 * every partition it touches, and a plan has dozens of operators.
 */
export function internalTopics(app: string, partitions: number): NewTopic[] {
  return [
    {
      name: changelogOf(app),
      partitions,
      config: { 'cleanup.policy': 'compact', 'delete.retention.ms': '86400000', 'segment.bytes': '67108864' },
    },
    {
      name: exchangeOf(app),
      partitions,
      // Never by time: a message may wait for its worker as long as it takes. It is deleted once taken in.
      config: { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1' },
    },
  ]
}
