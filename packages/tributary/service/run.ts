import type { Knex } from 'knex'
import type { Codec } from '#contracts/codec'
import { readServiceLogin } from '#database/settings'
import { purgeInbox } from '#inbox/purge'
import { type Inbox, subscribe } from '#inbox/subscribe'
import { withOutbox } from '#outbox/outbox'
import { kafkaSettings, listenSettings, readConfig, setting } from '#runtime/config'
import { kafkaAt } from '#runtime/kafka-at'
import type { Log } from '#runtime/log'
import type { Running } from '#runtime/main'
import { openMetrics } from '#runtime/metrics'
import type { ServiceDefinition } from './definition.ts'
import { purgeIdempotencyKeys } from './idempotency.ts'
import { inboxPool, requestPool, unhurried } from './pools.ts'
import { openServer } from './server.ts'

const PING_MS = 2_000
const PURGE_MS = 3_600_000

/** Runs one service: its HTTP server, and its subscriptions where it has some. */
export async function runService(service: ServiceDefinition, codec: Codec, log: Log): Promise<Running> {
  const { name } = service
  const portName = `${name.toUpperCase()}_PORT`
  const login = readServiceLogin(name)
  const config = readConfig({ ...kafkaSettings, ...listenSettings, [portName]: setting.port })
  const db = await withOutbox(requestPool(login, name), codec, service.publishes)

  const metrics = openMetrics()
  const database = watchDatabase(db)
  let inbox: Inbox | undefined
  const inboxFault = () => {
    if (service.subscriptions.length === 0) return undefined
    return inbox ? inbox.fault() : 'the inbox has not started yet'
  }
  const server = await openServer(service, db, {
    log,
    metrics,
    allowedHosts: config.ALLOWED_HOSTS,
    health: () => database.fault() ?? inboxFault(),
    concerns: () => inbox?.concerns() ?? [],
  })
  const port = (config as unknown as Record<string, number>)[portName]!
  await server.listen({ host: config.HOST, port })
  log.info({ port }, `${name} listens`)

  if (service.subscriptions.length > 0) {
    inbox = await subscribe({
      service: name,
      db: await withOutbox(inboxPool(login, name), codec, service.publishes, { judges: false }),
      codec,
      brokers: kafkaAt(config),
      subscriptions: service.subscriptions,
      log,
      metrics,
    })
  }

  const purging = setInterval(() => {
    const purges = [purgeIdempotencyKeys, ...(inbox ? [purgeInbox] : [])]
    Promise.all(purges.map((purge) => unhurried(db, purge))).catch((err) =>
      log.warn({ err }, 'old keys were not purged, next try in an hour'),
    )
  }, PURGE_MS)

  return {
    ...(inbox && { failed: inbox.failed }),
    async stop() {
      clearInterval(purging)
      database.stop()
      await server.close()
      await inbox?.stop()
      await db.destroy()
    },
  }
}

/** Looks after the database now and then, for `/health`. */
function watchDatabase(db: Knex): { fault(): string | undefined; stop(): void } {
  let fault: string | undefined = 'the database was not reached yet'
  const ping = () =>
    db.raw('select 1').then(
      () => {
        fault = undefined
      },
      (error: Error) => {
        fault = `database: ${error.message}`
      },
    )
  void ping()
  const pinging = setInterval(() => void ping(), PING_MS)
  return { fault: () => fault, stop: () => clearInterval(pinging) }
}
