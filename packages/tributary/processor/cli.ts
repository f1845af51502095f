import type { Command } from 'commander'
import { kafkaAt } from '#runtime/kafka-at'
import type { System } from '#system/system'

/** `tributary processor …`, `tributary processor reset …` and `tributary topology …` */
export function processorsCommands(program: Command, system: System): void {
  const names = [...system.topologies.keys()]
  const known = (name: string) =>
    system.topologies.get(name) ?? program.error(`there is no topology "${name}": ${names.join(', ')} are there`)
  const processor = program
    .command('processor')
    .argument('<name>', names.join(', '))
    .description("run a topology's worker until it is told to stop")
    .action(async (name: string) => {
      const { runProcessor } = await import('./main.ts')
      const { openCodecOf } = await import('#system/codec')
      await runProcessor(known(name), () => openCodecOf(system))
    })

  processor
    .command('reset')
    .argument('<name>', names.join(', '))
    .description('forget all that a stopped processor knows, so that it reads and writes everything again')
    .option('--yes', 'do it: without this it is only said what would be done')
    .action(async (name: string, { yes }: { yes?: boolean }) => {
      const { kafkaSettings, readConfig } = await import('#runtime/config')
      const { changelogOf, exchangeOf } = await import('#engine/run/internal-topics')
      const { processorApp } = await import('#contracts/apps')
      const { plan } = await import('#engine/plan/plan')
      const { resetProcessor } = await import('./reset.ts')
      const { topology } = known(name)
      const app = processorApp(name)
      const rows = plan(topology).sinks.map(({ topic }) => topic.name)
      console.log(`the group "${app}" and the topics "${exchangeOf(app)}" and "${changelogOf(app)}" are deleted;`)
      console.log(`rows in ${rows.join(', ')} are taken back: until it is done its read model lacks them;`)
      console.log(`at its next start ${app} reads its inputs from their beginnings and writes every row again`)
      if (!yes) throw new Error('nothing was done: say --yes')
      await resetProcessor(kafkaAt(readConfig(kafkaSettings)), app, rows)
      console.log(`done: start ${app}`)
    })

  program
    .command('topology')
    .description('the stream processors, as they are planned')
    .command('describe')
    .argument('<name>', names.join(', '))
    .description('draw a topology as a Mermaid flowchart')
    .action(async (name: string) => {
      const { describe } = await import('#engine/plan/describe')
      const { plan } = await import('#engine/plan/plan')
      process.stdout.write(describe(plan(known(name).topology)))
    })
}
