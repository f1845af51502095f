import { openDatabase } from '#producers/database/connect.ts'
import { readServiceLogin } from '#producers/database/settings.ts'
import { withOutbox } from '#producers/outbox/outbox.ts'
import { loadService } from '#producers/services.ts'
import { readConfig, registrySettings } from '#runtime/config.ts'
import { openCodec } from '#schemas/codec.ts'
import type { ServiceName } from '#schemas/topics.ts'
import { type ParkedKey, parkedKeys } from './parking.ts'
import { dropKey, type Released, replayKey } from './replay.ts'

/** A service's inbox, opened to look after its parked keys. */
export interface OpenInbox extends AsyncDisposable {
  parked(): Promise<ParkedKey[]>
  replay(key: string): Promise<Released[]>
  drop(key: string, all: boolean): Promise<Released[]>
}

/** Opens a service's inbox with the service's own login. Throws when the service subscribes to nothing. */
export async function openInbox(name: ServiceName): Promise<OpenInbox> {
  const login = readServiceLogin(name)
  const config = readConfig(registrySettings)
  const service = await loadService(name)
  if (service.subscriptions.length === 0) throw new Error(`service "${name}" subscribes to nothing, it has no inbox`)
  const codec = await openCodec({ registryUrl: config.REGISTRY_URL })
  const db = await withOutbox(
    openDatabase(login, { application: `${name}-inbox-cli`, pool: 1 }),
    codec,
    service.publishes,
  )
  const context = { db, codec, subscriptions: service.subscriptions }
  return {
    parked: () => parkedKeys(db),
    replay: (key) => replayKey(context, key),
    drop: (key, all) => dropKey(context, key, { all }),
    [Symbol.asyncDispose]: () => db.destroy(),
  }
}
