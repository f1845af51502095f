import type { Command } from 'commander'
import type { ReadModelName } from '../schemas/topics.ts'

/** `tributary processor …` and `tributary topology …` */
export function processorsCommands(program: Command): void {
  program
    .command('processor')
    .argument('<name>', 'orders, sales, customers or sellers')
    .description("run a topology's worker until it is told to stop")
    .action(async (name: string) => {
      const { runProcessor } = await import('./main.ts')
      await runProcessor(await known(program, name))
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
