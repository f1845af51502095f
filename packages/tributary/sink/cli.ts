import type { Command } from 'commander'
import { oneOf, seconds } from '#runtime/arguments'
import type { System } from '#system/system'

/** `tributary sink`, `freshness`, `reports`, `verify`, `wait` */
export function sinksCommands(program: Command, system: System): void {
  const readModels = system.readModels.map(({ name }) => name)
  program
    .command('sink')
    .description('run the Elasticsearch sink: read models from their topics into their indices')
    .action(async () => {
      const { runProcess } = await import('#runtime/main')
      const { startSink } = await import('./sink.ts')
      const { openCodecOf } = await import('#system/codec')
      await runProcess('sink', async (log) => startSink(system.readModels, await openCodecOf(system), log))
    })

  program
    .command('freshness')
    .description('follow the chain from commit to search: how far is each read model complete?')
    .action(async () => {
      const { runProcess } = await import('#runtime/main')
      const { startFreshness } = await import('#freshness/freshness')
      await runProcess('freshness', (log) => startFreshness(system, log))
    })

  program
    .command('reports')
    .description('serve the report page')
    .action(async () => {
      const { runProcess } = await import('#runtime/main')
      const { startReports } = await import('#reports/server')
      const { catalogueOf } = await import('#system/catalogue')
      const { systemPage } = await import('#system/page')
      await runProcess('reports', (log) => startReports(system, systemPage(catalogueOf(system)), log))
    })

  program
    .command('verify')
    .description(
      "recompute read models from the services' databases and compare every document; exits 1 on a difference",
    )
    .argument('[read-model]', `${readModels.join(', ')}; all when left out`, oneOf('read model', readModels))
    .option('--json', 'machine-readable')
    .option('--deadline <seconds>', 'how long to look again at documents that differ', seconds, 60)
    .action(async (readModel: string | undefined, options: { json?: boolean; deadline: number }) => {
      const { runVerify } = await import('#verify/command')
      process.exitCode = await runVerify(system, readModel, options)
    })

  program
    .command('wait')
    .description('wait until everything that is committed now is searchable; exits 3 when it is but for dead letters')
    .option('--timeout <seconds>', 'give up after', seconds, 120)
    .action(async (options: { timeout: number }) => {
      const { readConfig } = await import('#runtime/config')
      const { describeExcepted, freshnessSettings, waitUntilSearchable } = await import('#freshness/index')
      const { FRESHNESS_URL } = readConfig(freshnessSettings)
      const began = performance.now()
      const except = await waitUntilSearchable({
        freshnessUrl: FRESHNESS_URL,
        timeoutMs: options.timeout * 1000,
      })
      const took = `after ${((performance.now() - began) / 1000).toFixed(1)} s`
      const letters = new Map(except.map((one) => [`${one.app} ${one.id}`, one]))
      if (letters.size === 0) return console.log(`everything is searchable, ${took}`)
      console.log(`everything is searchable, ${took}, except ${letters.size} keys that were set aside:`)
      for (const letter of letters.values()) console.log(`  ${describeExcepted(letter)}`)
      console.log('what they say: `npx --no tributary dead-letters list`')
      process.exitCode = 3
    })
}
