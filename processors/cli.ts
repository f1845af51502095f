import type { Command } from 'commander'
import type { ReadModelName } from '../schemas/topics.ts'

/** `tributary processor …`, `tributary processor reset …` and `tributary topology …` */
export function processorsCommands(program: Command): void {
  const processor = program
    .command('processor')
    .argument('<name>', 'orders, sales, customers or sellers')
    .description("run a topology's worker until it is told to stop")
    .action(async (name: string) => {
      const { runProcessor } = await import('./main.ts')
      await runProcessor(await known(program, name))
    })

  processor
    .command('reset')
    .argument('<name>', 'orders, sales, customers or sellers')
    .description('forget all that a stopped processor knows, so that it reads and writes everything again')
    .option('--yes', 'do it: without this it is only said what would be done')
    .action(async (name: string, { yes }: { yes?: boolean }) => {
      const { kafkaSettings, readConfig } = await import('../runtime/config.ts')
      const { changelogOf, exchangeOf } = await import('./engine/run/internal-topics.ts')
      const { processorApp } = await import('../schemas/topics.ts')
      const { plan } = await import('./engine/plan/plan.ts')
      const { topologies } = await import('./topologies.ts')
      const { resetProcessor } = await import('./reset.ts')
      const model = await known(program, name)
      const app = processorApp(model)
      const rows = plan(topologies[model]).sinks.map(({ topic }) => topic.name)
      console.log(`the group "${app}" and the topics "${exchangeOf(app)}" and "${changelogOf(app)}" are deleted;`)
      console.log(`rows in ${rows.join(', ')} are taken back: until it is done its read model lacks them;`)
      console.log(`at its next start ${app} reads its inputs from their beginnings and writes every row again`)
      if (!yes) throw new Error('nothing was done: say --yes')
      await resetProcessor(readConfig(kafkaSettings).KAFKA_BROKERS, app, rows)
      console.log(`done: start ${app}`)
    })

  program
    .command('topology')
    .description('the stream processors, as they are planned')
    .command('describe')
    .argument('<name>', 'orders, sales, customers or sellers')
    .description('draw a topology as a Mermaid flowchart')
    .action(async (name: string) => {
      const { topologies } = await import('./topologies.ts')
      const { describe } = await import('./engine/plan/describe.ts')
      const { plan } = await import('./engine/plan/plan.ts')
      process.stdout.write(describe(plan(topologies[await known(program, name)])))
    })
}

async function known(program: Command, name: string): Promise<ReadModelName> {
  const { readModels } = await import('../schemas/topics.ts')
  const found = readModels.find((model) => model === name)
  return found ?? program.error(`there is no topology "${name}": ${readModels.join(', ')} are there`)
}
