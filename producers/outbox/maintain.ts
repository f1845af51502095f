import { openDatabase } from '#producers/database/connect.ts'
import { readMaintainerLogin } from '#producers/database/settings.ts'
import { type ServiceName, services } from '#schemas/topics.ts'
import { type Maintained, maintainOutbox } from './retention.ts'

/** One round of maintenance of every service's outbox, with the login that owns them. */
export async function maintainAll(now: number): Promise<(Maintained & { readonly service: ServiceName })[]> {
  const loginOf = readMaintainerLogin()
  const all: (Maintained & { readonly service: ServiceName })[] = []
  for (const service of services) {
    const db = openDatabase(loginOf(service), { application: 'tributary-outbox', pool: 1 })
    try {
      all.push({ service, ...(await maintainOutbox(db, service, now)) })
    } finally {
      await db.destroy()
    }
  }
  return all
}
