import { join } from 'node:path'
import { printableLines } from 'tributary/runtime'
import { type Journal, openJournal } from './journal.ts'
import type { Marketplace } from './marketplace.ts'
import { play, type Tally } from './player.ts'
import { duration, type Output, showProgress } from './progress.ts'
import { requireServices } from './reach.ts'
import { trustJournal } from './resume.ts'
import type { Service } from './script.ts'
import { waitUntilSearchable } from './searchable.ts'
import { openSender } from './send.ts'
import { figure } from './summary.ts'

export interface RunOptions {
  readonly urls: Readonly<Record<Service, string>>
  readonly freshnessUrl: string
  /** TRIBUTARY_HOME: the journal lies in its folder `simulator`. */
  readonly home: string
  /** Names the data: the same for the same data, whatever the limit. */
  readonly source: string
  readonly concurrency: number
  /** Commands per second. */
  readonly rate?: number | undefined
  /** False: return when everything is written, whether or not it is searchable. */
  readonly wait?: boolean
  readonly signal: AbortSignal
  readonly out: Output
}

/** How long the search may take to catch up with the largest load, ms. */
const CATCH_UP_MS = 3_600_000

/**
 * Plays a marketplace through the services and waits (unless told not to) until all of it is searchable. Prints what
 * it does.
 * @returns false when stopped before the end
 * @throws Unreachable, PlayFailed, NotSearchable
 */
export async function runMarketplace(market: Marketplace, options: RunOptions): Promise<boolean> {
  const { out, signal } = options
  const say = (text: string) => out.write(`${printableLines(text)}\n`)
  // All that is under way may be at one service.
  const sender = openSender(options.urls, { connections: options.concurrency })
  let journal: Journal | undefined
  try {
    // Before the journal: a folder made for it would stand in the way of the first `up`.
    await requireServices(sender, { signal })
    journal = openJournal(join(options.home, 'simulator', `load-${options.source}.journal`))
    const { played, cleared } = await trustJournal(journal, market, sender)
    const left = market.orders.length - played
    if (cleared) say('the journal of an earlier load speaks of other databases: it starts anew')
    if (played > 0) say(`${figure(played)} of ${figure(market.orders.length)} orders were played before`)
    if (left === 0) say('none is left: other data, or `simulate` with another --seed, gives new ones')

    const tally: Tally = { orders: 0, commands: 0, notYet: 0, down: 0 }
    const startedAt = performance.now()
    const progress = showProgress(out, tally, left)
    const finished = await play(market, {
      sender,
      memory: journal,
      concurrency: options.concurrency,
      rate: options.rate,
      signal,
      tally,
    }).finally(() => progress.stop())
    if (!finished) {
      say(`stopped after ${figure(tally.orders)} orders: the same command goes on from here`)
      return false
    }
    const playedAt = performance.now()
    if (options.wait === false) {
      say(describeRun(tally, (playedAt - startedAt) / 1_000))
      return true
    }

    say('waiting until everything is searchable')
    let waitedFor = ''
    await waitUntilSearchable(options.freshnessUrl, {
      signal,
      giveUpMs: CATCH_UP_MS,
      waitingFor: (what) => {
        if (what !== waitedFor) say(`  waiting for ${what}`)
        waitedFor = what
      },
    })
    say(describeRun(tally, (playedAt - startedAt) / 1_000, (performance.now() - startedAt) / 1_000))
    return true
  } finally {
    journal?.close()
    await sender.close()
  }
}

/** The last words: each command is one event of its service. */
function describeRun({ orders, commands }: Tally, playSeconds: number, searchableSeconds?: number): string {
  const row = (what: string, seconds: number) =>
    `  ${what.padEnd(18)} ${seconds.toFixed(1).padStart(9)} s  ${figure(commands / Math.max(seconds, 0.001)).padStart(7)} events/s`
  return [
    `${figure(orders)} orders, ${figure(commands)} events, ${duration(searchableSeconds ?? playSeconds)}`,
    row('written', playSeconds),
    ...(searchableSeconds === undefined ? [] : [row('searchable', searchableSeconds)]),
  ].join('\n')
}
