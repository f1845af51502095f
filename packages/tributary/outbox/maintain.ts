import type { EventsTopic } from '#contracts/topic'
import { openDatabase } from '#database/connect'
import { readMaintainerLogin } from '#database/settings'
import { kafkaSettings, readConfig } from '#runtime/config'
import { type Each, eachOnItsOwn } from '#runtime/each'
import { kafkaAt } from '#runtime/kafka-at'
import { lostEvents } from './lost.ts'
import { type Maintained, maintainOutbox } from './retention.ts'

/**
 * One round of maintenance of every service's outbox, with the login that owns them, each service on its own. What the audit
 * hasn't compared with its topic is compared here, which reads the topic from the oldest such day on.
 */
export async function maintainAll(
  domainTopics: ReadonlyMap<string, EventsTopic>,
  now: number,
): Promise<Each<string, Maintained>> {
  const loginOf = readMaintainerLogin()
  const kafka = kafkaAt(readConfig(kafkaSettings))
  return eachOnItsOwn(domainTopics.keys(), async (service) => {
    const db = openDatabase(loginOf(service), { application: 'tributary-outbox', pool: 1 })
    try {
      const topic = domainTopics.get(service)!
      return await maintainOutbox(db, service, now, {
        lostIn: async (partition) => (await lostEvents(db, topic.name, kafka, 0, partition)).length,
      })
    } finally {
      await db.destroy()
    }
  })
}
