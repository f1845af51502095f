import type { Command } from 'commander'
import { aboveZero, positive, wholeNumber } from 'tributary/runtime'
import type { Marketplace } from './marketplace.ts'

const DEFAULT_CONCURRENCY = 48

interface PlayFlags {
  readonly rate?: number
  readonly concurrency: number
  readonly wait: boolean
  readonly dryRun?: boolean
}

/** `tributary load <folder>` and `tributary simulate`. */
export function simulatorCommands(program: Command): void {
  playFlags(
    program
      .command('load <folder>')
      .description('play the Olist CSV files of a folder through the services, until all of it is searchable')
      .option(
        '--limit <orders>',
        'only the first so many orders by purchase time, with all that belongs to them',
        positive,
      ),
  ).action(async (folder: string, flags: PlayFlags & { limit?: number }) => {
    const { fingerprintOlist, readOlist } = await import('./olist.ts')
    await playing(flags, async () => ({
      market: await readOlist(folder, flags.limit),
      source: await fingerprintOlist(folder),
    }))
  })

  playFlags(
    program
      .command('simulate')
      .description('play a made-up marketplace through the services; the same size and seed give the same one')
      .option('--orders <count>', 'how many orders', positive, 1_000)
      .option('--seed <number>', 'which marketplace', wholeNumber, 1),
  ).action(async (flags: PlayFlags & { orders: number; seed: number }) => {
    const { generateMarketplace } = await import('./generate.ts')
    await playing(flags, async () => ({
      market: generateMarketplace(flags),
      source: `simulated-${flags.orders}-${flags.seed}`,
    }))
  })
}

function playFlags(command: Command): Command {
  return command
    .option('--rate <commands>', 'so many commands a second, evenly; as many as go without it', aboveZero)
    .option('--concurrency <requests>', 'so many requests under way at once', positive, DEFAULT_CONCURRENCY)
    .option('--no-wait', 'end when everything is written, whether or not it is searchable')
    .option('--dry-run', 'only say what would be played')
}

/** Runs a command to its end: Ctrl-C finishes what is under way, a second one ends at once. */
async function playing(flags: PlayFlags, read: () => Promise<{ market: Marketplace; source: string }>): Promise<void> {
  const stop = new AbortController()
  const onSignal = () => {
    if (stop.signal.aborted) process.exit(130)
    process.stdout.write('\nstopping: what is under way is finished (once more ends at once)\n')
    stop.abort()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  try {
    const { market, source } = await read()
    if (flags.dryRun) {
      const { describeSummary, summarise } = await import('./summary.ts')
      const summary = summarise(market)
      process.stdout.write(`${describeSummary(summary)}\n`)
      if (summary.wrong.length > 0) process.exitCode = 1
      return
    }
    const { runMarketplace } = await import('./run.ts')
    const { simulatorSettings } = await import('./settings.ts')
    const { concurrency, rate, wait } = flags
    const options = {
      ...simulatorSettings(),
      source,
      concurrency,
      rate,
      wait,
      signal: stop.signal,
      out: process.stdout,
    }
    if (!(await runMarketplace(market, options))) process.exitCode = 130
  } catch (error) {
    if (!stop.signal.aborted || (error as Error).name !== 'AbortError') throw error
    process.stdout.write('stopped while waiting: the same command goes on from here\n')
    process.exitCode = 130
  } finally {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
}
