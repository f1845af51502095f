import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import type { HttpAt } from '#runtime/http-at'
import type { KafkaAt } from '#runtime/kafka-at'
import type { Contract } from './contract.ts'
import type { Topic } from './topic.ts'

/** Where the servers are; read only by the commands that need them. */
export interface SchemasSettings {
  registry(): HttpAt
  brokers(): KafkaAt
}

/** What is registered, and the topics there are to be. */
export interface Contracts {
  readonly contracts: readonly Contract<unknown>[]
  readonly topics: readonly Topic[]
}

/** `tributary schemas …` and `tributary topics …` */
export function schemasCommands(program: Command, { contracts, topics }: Contracts, settings: SchemasSettings): void {
  const schemas = program
    .command('schemas')
    .description('the contracts: Avro files, their types, what the registry has')
  generateCommand(schemas)

  schemas
    .command('check')
    .description('compare with the registry: do old and new readers survive each change?')
    .option('--json', 'machine-readable')
    .action(async (options: { json?: boolean }) => {
      const { checkSchemas } = await import('./register.ts')
      const states = await checkSchemas(settings.registry(), contracts)
      if (options.json) console.log(JSON.stringify(states, null, 2))
      else for (const state of states) console.log(describeState(state))
      if (states.some((s) => s.state === 'changed' && !(s.newReadersSurvive && s.oldReadersSurvive)))
        process.exitCode = 1
    })

  schemas
    .command('register')
    .description('register every schema under FULL_TRANSITIVE; refuses all when one is incompatible')
    .action(async () => {
      const { registerSchemas } = await import('./register.ts')
      const before = await registerSchemas(settings.registry(), contracts)
      const changed = before.filter((s) => s.state !== 'registered')
      for (const state of changed)
        console.log(`${state.name}: ${state.state === 'missing' ? 'registered' : 'new version registered'}`)
      console.log(`${before.length} schemas are registered, ${changed.length} of them new or changed`)
    })

  program
    .command('topics')
    .description('the topics of services, read models and dead letters')
    .command('apply')
    .description('create missing topics and set drifted settings back')
    .action(async () => {
      const { applyTopics } = await import('./apply-topics.ts')
      const { created, mended, unchanged } = await applyTopics(settings.brokers(), topics)
      for (const name of created) console.log(`created ${name}`)
      for (const what of mended) console.log(`mended ${what}`)
      console.log(`${created.length} topics created, ${mended.length} settings mended, ${unchanged} topics unchanged`)
    })
}

function describeState(state: {
  name: string
  state: string
  newReadersSurvive?: boolean
  oldReadersSurvive?: boolean
  faults: readonly string[]
  losses: readonly string[]
}): string {
  const losses = state.losses.map((loss) => `  ${loss}`)
  if (state.state !== 'changed') return [`${state.name}: ${state.state}`, ...losses].join('\n')
  const survive = (yes: boolean | undefined) => (yes ? 'survive' : 'BREAK')
  const line = `${state.name}: changed; old readers ${survive(state.oldReadersSurvive)}, new readers ${survive(state.newReadersSurvive)}`
  return [line, ...state.faults.map((fault) => `  ${fault}`), ...losses].join('\n')
}

/** Whether what was typed is `schemas generate`: it has to run where the config can't be loaded, for want of what it writes. */
export const isGenerate = ([room, command]: readonly string[]): boolean => room === 'schemas' && command === 'generate'

/** `tributary schemas generate`, which needs the .avsc files alone. */
export function generateCommand(schemas: Command): void {
  schemas
    .command('generate')
    .description('write the TypeScript types that belong to the .avsc files')
    .option('--check', 'write nothing; fail when the file is stale')
    .action(async (options: { check?: boolean }) => {
      const { fieldsWithoutKind, generateContracts, generatedFile } = await import('./generate.ts')
      const wanted = generateContracts()
      const file = generatedFile()
      if (!options.check) {
        writeFileSync(file, wanted)
        const bare = fieldsWithoutKind()
        if (bare.length > 0) {
          console.log(`schemas/rules.json says nothing of ${bare.join(', ')}: any value that fits the schema comes in`)
        }
        return console.log('schemas/contracts.generated.ts is written')
      }
      if (!existsSync(file) || readFileSync(file, 'utf8') !== wanted) {
        schemas.error('schemas/contracts.generated.ts is stale: run `npx --no tributary schemas generate`')
      }
      console.log('schemas/contracts.generated.ts is up to date')
    })
}
