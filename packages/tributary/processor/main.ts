import type { Codec } from '#contracts/codec'
import { run, type Topology } from '#engine'
import { kafkaSettings, listenSettings, readConfig, setting } from '#runtime/config'
import { serveHealth } from '#runtime/health'
import { kafkaAt } from '#runtime/kafka-at'
import { runProcess } from '#runtime/main'
import { openMetrics } from '#runtime/metrics'

/** A topology, and how its processor runs. */
export interface ProcessorOptions {
  readonly topology: Topology
  /** The least time between two epochs, in ms; see `RunOptions`. */
  readonly paceMs?: number
}

/** Runs a topology's worker, with health and metrics on its port, until it is told to stop. */
export async function runProcessor(
  { topology, paceMs }: ProcessorOptions,
  openCodec: () => Promise<Codec>,
): Promise<void> {
  const { name } = topology
  await runProcess(`processor-${name}`, async (log) => {
    const portName = `PROCESSOR_${name.toUpperCase()}_PORT`
    const config = readConfig({
      ...kafkaSettings,
      ...listenSettings,
      [portName]: setting.port,
      SLOT: setting.count.prefault(0),
    })
    const registry = openMetrics()
    const worker = await run(topology, {
      slot: config.SLOT,
      brokers: kafkaAt(config),
      codec: await openCodec(),
      log,
      metrics: registry,
      ...(paceMs !== undefined && { paceMs }),
    })
    const health = await serveHealth({
      host: config.HOST,
      allowedHosts: config.ALLOWED_HOSTS,
      port: (config as unknown as Record<string, number>)[portName]!,
      check: () => worker.trouble(),
      concerns: () => worker.concerns(),
      metrics: registry,
    })
    return {
      failed: worker.failed,
      stop: async () => {
        await worker.stop()
        await health.close()
      },
    }
  })
}
