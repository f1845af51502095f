import { plan } from '#engine'
import { engineMetrics } from '#engine/run/metrics.ts'
import { Worker } from '#engine/run/worker.ts'
import { kafkaSettings, listenSettings, readConfig, registrySettings, setting } from '#runtime/config.ts'
import { serveHealth } from '#runtime/health.ts'
import { runProcess } from '#runtime/main.ts'
import { openMetrics } from '#runtime/metrics.ts'
import { openCodec } from '#schemas/codec.ts'
import { processorApp, type ReadModelName } from '#schemas/topics.ts'
import { topologies } from './topologies.ts'

/**
 * The least time between two epochs, in ms. `orders` is what a service waits for after a commit, and what the others
 * read; to sums over days a fifth of a second more or less does not matter.
 */
const PACE_MS: Readonly<Record<ReadModelName, number>> = { orders: 15, sales: 200, customers: 200, sellers: 200 }

/** Runs a topology's worker, with health and metrics on its port, until it is told to stop. */
export async function runProcessor(name: ReadModelName): Promise<void> {
  await runProcess(`processor-${name}`, async (log) => {
    const config = readConfig({
      ...kafkaSettings,
      ...registrySettings,
      ...listenSettings,
      PROCESSOR_ORDERS_PORT: setting.port.prefault(14_011),
      PROCESSOR_SALES_PORT: setting.port.prefault(14_012),
      PROCESSOR_CUSTOMERS_PORT: setting.port.prefault(14_013),
      PROCESSOR_SELLERS_PORT: setting.port.prefault(14_014),
      SLOT: setting.count.prefault(0),
    })
    const ports: Readonly<Record<ReadModelName, number>> = {
      orders: config.PROCESSOR_ORDERS_PORT,
      sales: config.PROCESSOR_SALES_PORT,
      customers: config.PROCESSOR_CUSTOMERS_PORT,
      sellers: config.PROCESSOR_SELLERS_PORT,
    }
    const registry = openMetrics()
    const worker = new Worker({
      plan: plan(topologies[name]),
      app: processorApp(name),
      slot: config.SLOT,
      brokers: config.KAFKA_BROKERS,
      codec: await openCodec({ registryUrl: config.REGISTRY_URL }),
      log,
      metrics: engineMetrics(registry),
      paceMs: PACE_MS[name],
      resetCommand: `npx tributary processor reset ${name} --yes`,
    })
    const health = await serveHealth({
      host: config.HOST,
      allowedHosts: config.ALLOWED_HOSTS,
      port: ports[name],
      check: () => worker.trouble(),
      concerns: () => worker.concerns(),
      metrics: registry,
    })
    const running = worker.run()
    return {
      failed: running.then(() => new Promise<never>(() => {})),
      stop: async () => {
        await worker.stop()
        await health.close()
      },
    }
  })
}
