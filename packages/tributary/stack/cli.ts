import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import { wholeNumber } from '#runtime/arguments'
import { printableLines } from '#runtime/printable'
import { openSay } from './say.ts'
import type { CommandExists } from './set-up.ts'
import type { Shape } from './shape.ts'

/** `tributary up | down | clean | status | logs`, and what belongs to them */
export function stackCommands(program: Command, shape: Shape): void {
  const commandExists = existsIn(program)
  const { processes } = shape
  const settings = async () => (await import('./environment.ts')).readStackSettings(shape)

  program
    .command('up')
    .description('start everything that is not running; return when all is ready')
    .option('--only <names>', 'comma-separated processes (`servers` = all servers), with those they need', words)
    .option('--keep', 'when something fails, leave running what was started')
    .action(async (options: { only?: string[]; keep?: boolean }) => {
      const say = openSay()
      const { upAny } = await import('./any-stack.ts')
      await upAny(await settings(), { ...options, only: options.only, commandExists, say })
    })

  program
    .command('down')
    .description('stop everything, keep the data')
    .action(async () => (await import('./any-stack.ts')).downAny(await settings(), openSay()))

  program
    .command('clean')
    .description('stop everything and delete its data (not the downloads)')
    .action(async () => (await import('./any-stack.ts')).cleanAny(await settings(), openSay()))

  program
    .command('passwords')
    .description('of the logins that the stack made')
    .command('rotate')
    .description('give each a new password, and what enters with it; may be ended and run again at any time')
    .action(async () => {
      const { rotatePasswords } = await import('./rotate.ts')
      await rotatePasswords(shape, process.env, commandExists, openSay())
    })

  program
    .command('registry-database')
    .description("make the registry's database and login (a step of docker-compose.yml)")
    .action(async () => {
      const { ensureRegistryDatabase } = await import('./registry-database.ts')
      const { readSuperuser } = await import('#database/settings')
      const { readConfig, setting } = await import('#runtime/config')
      const { REGISTRY_DB_PASSWORD: registryPassword } = readConfig({ REGISTRY_DB_PASSWORD: setting.secret })
      await ensureRegistryDatabase({ ...readSuperuser()('postgres'), registryPassword })
    })

  program
    .command('compose')
    .description('the file that runs the system in containers')
    .command('generate')
    .description('write docker-compose.yml from tributary.config.ts')
    .option('--check', 'write nothing; fail when the file is stale')
    .action(async (options: { check?: boolean }) => {
      const { composeFile, generateCompose } = await import('./compose.ts')
      const wanted = generateCompose(shape)
      if (!options.check) return writeFileSync(composeFile, wanted)
      if (!existsSync(composeFile) || readFileSync(composeFile, 'utf8') !== wanted) {
        program.error('docker-compose.yml is stale: run `npx --no tributary compose generate`')
      }
      console.log('docker-compose.yml is up to date')
    })

  program
    .command('stop')
    .description('stop single processes; `start` and `up` bring them back')
    .argument('<names...>', 'processes')
    .action(async (names: string[]) => (await import('./any-stack.ts')).stopAny(await settings(), names, openSay()))

  program
    .command('start')
    .description('start single processes, with those they need; return when they are ready')
    .argument('<names...>', 'processes')
    .action(async (names: string[]) => {
      const { startAny } = await import('./any-stack.ts')
      await startAny(await settings(), { only: names, commandExists, say: openSay() })
    })

  program
    .command('restart')
    .description('stop single processes and start them as they were')
    .argument('<names...>', 'processes')
    .action(async (names: string[]) => (await import('./any-stack.ts')).restartAny(await settings(), names, openSay()))

  program
    .command('status')
    .description('what runs, where, and whether it is well; fails when not all is ready')
    .option('--json', 'machine-readable')
    .action(async (options: { json?: boolean }) => {
      const { statusAny, statusTable } = await import('./any-stack.ts')
      const status = await statusAny(await settings(), commandExists)
      console.log(options.json ? printableLines(JSON.stringify(status, null, 2)) : statusTable(status))
      process.exitCode = status.ready ? 0 : 1
      // A connection to something that hangs would keep this process.
      setTimeout(() => process.exit(), 1_000).unref()
    })

  program
    .command('logs')
    .description('what the processes say')
    .argument('[names...]', 'processes (default: all)')
    .option('-f, --follow', 'go on as they say more')
    .option('-n, --lines <count>', 'the last lines of each', wholeNumber, 40)
    .action(async (names: string[], options: { follow?: boolean; lines: number }) => {
      const unknown = names.filter((name) => !processes.some((spec) => spec.name === name))
      if (unknown.length > 0) {
        program.error(`there is no process "${unknown[0]}": choose among ${processes.map((p) => p.name).join(', ')}`)
      }
      const { logsAny } = await import('./any-stack.ts')
      await logsAny(await settings(), names, options)
    })
}

function words(text: string): string[] {
  return text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '')
}

/** Rooms are built one after the other: a process whose command isn't there yet is left out. */
function existsIn(program: Command): CommandExists {
  return (words) => {
    let at: Command | undefined = program
    for (const word of words) {
      const next: Command | undefined = at.commands.find((command) => command.name() === word)
      if (!next) return at !== program && at.registeredArguments.length > 0
      at = next
    }
    return true
  }
}
