import { openDatabase } from '#producers/database/connect.ts'
import { readMaintainerLogin } from '#producers/database/settings.ts'
import { type Each, eachOnItsOwn } from '#runtime/each.ts'
import { type ServiceName, services } from '#schemas/topics.ts'
import { type Maintained, maintainOutbox } from './retention.ts'

/** One round of maintenance of every service's outbox, with the login that owns them, each service on its own. */
export async function maintainAll(now: number): Promise<Each<ServiceName, Maintained>> {
  const loginOf = readMaintainerLogin()
  return eachOnItsOwn(services, async (service) => {
    const db = openDatabase(loginOf(service), { application: 'tributary-outbox', pool: 1 })
    try {
      return await maintainOutbox(db, service, now)
    } finally {
      await db.destroy()
    }
  })
}
