import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { addCommands, isAdd } from '#add/cli'
import { connectorsCommands } from '#connect/cli'
import { generateCommand, isGenerate, schemasCommands } from '#contracts/cli'
import { processorsCommands } from '#processor/cli'
import { elasticsearchSettings, kafkaSettings, readConfig, registrySettings } from '#runtime/config'
import { type DeadLetterTools, deadLettersCommands } from '#runtime/dead-letters/cli'
import { httpAt } from '#runtime/http-at'
import { type KafkaAt, kafkaAt } from '#runtime/kafka-at'
import { printableLines } from '#runtime/printable'
import { project } from '#runtime/project'
import { producersCommands } from '#service/cli'
import { sinksCommands } from '#sink/cli'
import { stackCommands } from '#stack/cli'
import { completeEnvironment } from '#stack/environment'
import { shapeOf } from '#stack/shape'
import { loadSystem } from '#system/load'
import type { System } from '#system/system'

const dotEnv = join(project, '.env')
// A supervised process was given exactly what it may have; the file has logins of others, too.
if (process.env.TRIBUTARY_SUPERVISED !== '1' && existsSync(dotEnv)) process.loadEnvFile(dotEnv)

try {
  const typed = process.argv.slice(2)
  const program = isGenerate(typed) || isAdd(typed) ? programWithoutSystem() : programOf(await loadSystem())
  await program.parseAsync()
} catch (error) {
  // A fault the user can mend is one message; LOG_LEVEL=debug shows where it came from.
  const { message, stack } = error as Error
  const text = process.env.LOG_LEVEL === 'debug' ? (stack ?? message) : message
  process.stderr.write(`tributary: ${printableLines(text)}\n`)
  process.exitCode = 1
}

/** The commands that have to run where the config can't be loaded. */
function programWithoutSystem(): Command {
  const program = new Command('tributary')
  generateCommand(program.command('schemas'))
  addCommands(program)
  return program
}

/** The cluster, for those commands that need it. */
function kafka(): KafkaAt {
  return kafkaAt(readConfig(kafkaSettings))
}

/** Every command there is for a system. */
function programOf(system: System): Command {
  const shape = shapeOf(system)
  const program = new Command('tributary')
    .description('many databases flow into one place where people can ask questions')
    .option('--home <folder>', 'data, logs and secrets of the stack (TRIBUTARY_HOME)')
    .on('option:home', (folder: string) => {
      process.env.TRIBUTARY_HOME = folder
    })
    .hook('preAction', () => completeEnvironment(shape, process.env))

  stackCommands(program, shape)
  addCommands(program)
  schemasCommands(program, system, {
    registry: () => httpAt('REGISTRY', readConfig(registrySettings)),
    brokers: kafka,
  })
  producersCommands(program, system)
  system.commands(program)
  connectorsCommands(program, system)
  processorsCommands(program, system)
  sinksCommands(program, system)
  deadLettersCommands(program, deadLetterTools(system))
  program
    .command('describe')
    .description('what there is: services with their events, who reads them, topologies, read models (Markdown)')
    .option('--json', 'machine-readable')
    .option('--asyncapi', 'as an AsyncAPI 3 document (JSON)')
    .action(async ({ json, asyncapi }: { json?: boolean; asyncapi?: boolean }) => {
      const { catalogueOf, catalogueText } = await import('#system/catalogue')
      const { asyncApiOf } = await import('#system/asyncapi')
      const catalogue = catalogueOf(system)
      const value = asyncapi ? asyncApiOf(catalogue) : json && catalogue
      process.stdout.write(value ? `${JSON.stringify(value, null, 2)}\n` : catalogueText(catalogue))
    })
  program
    .command('commands')
    .description('every command with its arguments and options (Markdown)')
    .action(async () => {
      const { commandsText } = await import('#runtime/commands')
      process.stdout.write(commandsText(program))
    })
  return program
}

/** Where a system's dead letters are, and who deals with them. */
function deadLetterTools(system: System): DeadLetterTools {
  return {
    apps: [...system.deadLetterTopics.keys()],
    open: async () => {
      const { readOpenLetters } = await import('#runtime/dead-letters/follow')
      const { open, unread } = await readOpenLetters(kafka(), system.deadLetterTopics, 'tributary-dead-letters')
      return { open: [...open.values()].flat(), unread }
    },
    closers: async () => {
      const { processorsCloser } = await import('#processor/closer')
      const { sinkCloser } = await import('#sink/closer')
      const { elasticsearchAt, openElasticsearch } = await import('#sink/client')
      const { openCodecOf } = await import('#system/codec')
      const client = openElasticsearch(elasticsearchAt(readConfig(elasticsearchSettings)))
      const brokers = kafka()
      const codec = await openCodecOf(system)
      const { inboxCloser } = await import('#inbox/closer')
      const { openInbox } = await import('#inbox/open')
      const { readModels, topologies, subscribers } = system
      return [
        processorsCloser({ brokers, topologies }),
        inboxCloser(subscribers, async (service) => openInbox(await system.loadService(service), codec)),
        sinkCloser({ brokers, client, codec, readModels }),
      ]
    },
    read: async (letter) => {
      const { readLetterAt } = await import('#runtime/dead-letters/follow')
      const { deadLettersOf } = await import('#contracts/topic')
      return readLetterAt(kafka(), deadLettersOf(letter.app).name, letter, 'tributary-dead-letters')
    },
    describe: async ({ value, valueBytes }) => {
      const { describeBytes } = await import('#contracts/describe')
      const { openCodecOf } = await import('#system/codec')
      return describeBytes(value!, valueBytes === undefined, () => openCodecOf(system))
    },
  }
}
