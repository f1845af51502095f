import { openDatabase } from '#producers/database/connect.ts'
import { readMaintainerLogin } from '#producers/database/settings.ts'
import { kafkaSettings, readConfig } from '#runtime/config.ts'
import { type Each, eachOnItsOwn } from '#runtime/each.ts'
import { domainTopics, type ServiceName, services } from '#schemas/topics.ts'
import { lostEvents } from './lost.ts'
import { type Maintained, maintainOutbox } from './retention.ts'

/**
 * One round of maintenance of every service's outbox, with the login that owns them, each service on its own. What the audit
 * hasn't compared with its topic is compared here, which reads the topic from the oldest such day on.
 */
export async function maintainAll(now: number): Promise<Each<ServiceName, Maintained>> {
  const loginOf = readMaintainerLogin()
  const { KAFKA_BROKERS } = readConfig(kafkaSettings)
  return eachOnItsOwn(services, async (service) => {
    const db = openDatabase(loginOf(service), { application: 'tributary-outbox', pool: 1 })
    try {
      const topic = domainTopics.find((each) => each.service === service)!
      return await maintainOutbox(db, service, now, {
        lostIn: async (partition) => (await lostEvents(db, topic.name, KAFKA_BROKERS, 0, partition)).length,
      })
    } finally {
      await db.destroy()
    }
  })
}
