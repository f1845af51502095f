import type { Knex } from 'knex'
import { connectStack } from 'tributary/testing/stack'
import system from '#config'
import { memoryCodec } from '../../packages/tributary/contracts/codec.ts'
import { openDatabase } from '../../packages/tributary/database/connect.ts'
import { migrate } from '../../packages/tributary/database/migrate.ts'
import {
  readMaintainerLogin,
  readMigrateSettings,
  readServiceLogin,
} from '../../packages/tributary/database/settings.ts'
import { type OutboxOptions, withOutbox } from '../../packages/tributary/outbox/outbox.ts'
import { throwFailed } from '../../packages/tributary/runtime/each.ts'

/** The migrated databases of the test stack, entered as whoever is asked for. */
export interface Databases extends AsyncDisposable {
  readonly env: Readonly<Record<string, string | undefined>>
  /** As the service itself, with its outbox; events are encoded without a registry. */
  service(name: string, options?: OutboxOptions): Promise<Knex>
  superuser(database: string): Knex
  maintainer(service: string): Knex
  as(user: string, password: string, database: string): Knex
}

export async function openDatabases(): Promise<Databases> {
  const { env } = connectStack()
  const settings = readMigrateSettings(system.services, env)
  throwFailed(await migrate(system, settings))
  const opened: Knex[] = []
  const open = (...args: Parameters<typeof openDatabase>) => {
    const db = openDatabase(...args)
    opened.push(db)
    return db
  }
  const options = { application: 'tributary-test', pool: 10 }
  return {
    env,
    service: async (name, more = {}) =>
      withOutbox(
        open(readServiceLogin(name, env), options),
        memoryCodec(system.contracts),
        (await system.loadService(name)).publishes,
        more,
      ),
    superuser: (database) => open(settings.superuser(database), options),
    maintainer: (service) => open(readMaintainerLogin(env)(service), options),
    as: (user, password, database) => open({ ...settings.superuser(database), user, password }, options),
    [Symbol.asyncDispose]: async () => {
      for (const db of opened) await db.destroy()
    },
  }
}

let count = 0
/** An id no other test uses. */
export const freshId = (what: string) => `${what}-${Date.now().toString(36)}-${process.pid}-${count++}`
