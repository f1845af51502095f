import type { Command } from 'commander'
import { oneOf } from '../arguments.ts'
import { isoTime } from '../iso-time.ts'
import { printable, printableLines } from '../printable.ts'
import type { OpenLetter, StoredLetter } from './letter.ts'

/** Deals with the letters of some applications. Each kind of application has its own way. */
export interface Closer {
  readonly apps: readonly string[]
  /**
   * Has the record worked on after all, in its place among those of its key. Gives what came of it, for a person;
   * throws when it still can't be worked on (the letter stays open).
   */
  replay(letter: OpenLetter): Promise<string>
  /** Gives the record up for good. Gives what came of it, for a person. */
  drop(letter: OpenLetter, reason: string): Promise<string>
}

export interface DeadLetterTools {
  /** Every application that sets records aside. */
  readonly apps: readonly string[]
  /** The open letters of all applications, oldest first, but for those whose topic isn't there. */
  open(): Promise<KnownLetters>
  closers(): Promise<readonly Closer[]>
  /** A letter with its value and headers, from where it stands. */
  read(letter: OpenLetter): Promise<StoredLetter>
  /** The value of a letter for a person, decoded where it can be. */
  describe(letter: StoredLetter): Promise<string>
}

export interface KnownLetters {
  readonly open: readonly OpenLetter[]
  /** Applications whose letters can't be known because their topic, which is given, isn't there. */
  readonly unread: ReadonlyMap<string, string>
}

interface Choice {
  readonly app?: string
  readonly all?: boolean
}

/** `tributary dead-letters list | show | replay | drop` */
export function deadLettersCommands(program: Command, tools: DeadLetterTools): void {
  const app = oneOf('application', tools.apps)
  const command = program
    .command('dead-letters')
    .description('records that were set aside, of processors, sink and subscribers: look at them, replay or drop them')

  command
    .command('list')
    .description('the letters that are open')
    .argument('[app]', `of one application: ${tools.apps.join(', ')}`, app)
    .option('--json', 'machine-readable')
    .action(async (app: string | undefined, options: { json?: boolean }) => {
      const { open, unread } = await tools.open()
      const letters = open.filter((letter) => app === undefined || letter.app === app)
      console.log(options.json ? printableLines(JSON.stringify(letters.map(plain), null, 2)) : table(letters))
      failWhereUnread(unread, app)
    })

  command
    .command('show')
    .description('a letter whole: where its record was, what is wrong with it, its headers and value')
    .argument('<id>', 'as `list` names it')
    .option('--app <name>', 'where several applications set the same record aside', app)
    .action(async (id: string, options: Choice) => {
      const [letter] = await choose(tools, [id], options)
      console.log(await whole(await tools.read(letter!), tools))
    })

  command
    .command('replay')
    .description('have records worked on after all, with what waits behind them, in order')
    .argument('[ids...]', 'as `list` names them')
    .option('--app <name>', 'of this application', app)
    .option('--all', 'all open letters (of the application, where one is named)')
    .action(async (ids: string[], options: Choice) => {
      await eachOf(tools, ids, options, (closer, letter) => closer.replay(letter))
    })

  command
    .command('drop')
    .description('give records up for good; what waits behind them is worked on')
    .argument('[ids...]', 'as `list` names them')
    .requiredOption('--reason <words>', 'why: it is kept with the letter')
    .option('--app <name>', 'of this application', app)
    .option('--all', 'all open letters (of the application, where one is named)')
    .action(async (ids: string[], { reason, ...options }: Choice & { reason: string }) => {
      if (reason.trim() === '') throw new Error('--reason must say why the record is given up')
      await eachOf(tools, ids, options, (closer, letter) => closer.drop(letter, reason))
    })
}

/** One that fails leaves the others done; the exit code then says so. */
async function eachOf(
  tools: DeadLetterTools,
  ids: readonly string[],
  options: Choice,
  work: (closer: Closer, letter: OpenLetter) => Promise<string>,
): Promise<void> {
  const letters = await choose(tools, ids, options)
  const closers = await tools.closers()
  let failed = 0
  for (const letter of letters) {
    const closer = closers.find(({ apps }) => apps.includes(letter.app))
    try {
      if (!closer) throw new Error(`nobody here deals with the letters of "${letter.app}"`)
      console.log(printable(`${letter.app}  ${letter.id}: ${await work(closer, letter)}`))
    } catch (error) {
      failed++
      console.error(printable(`${letter.app}  ${letter.id}: ${(error as Error).message}`))
    }
  }
  if (letters.length === 0) console.log('no letter is open')
  if (failed > 0) throw new Error(`${failed} of ${letters.length} letters stay open`)
}

/** What can't be known may hold what a command is about: it says so, and fails, once the rest is done. */
function failWhereUnread(unread: KnownLetters['unread'], app: string | undefined): void {
  const missing = [...unread].filter(([each]) => app === undefined || each === app)
  if (missing.length === 0) return
  const which = missing.map(([each, topic]) => `those of ${each}, whose topic "${topic}" doesn't exist`).join(', ')
  throw new Error(`not all letters are known: ${which}: run \`npx --no tributary topics apply\``)
}

async function choose(tools: DeadLetterTools, ids: readonly string[], options: Choice): Promise<OpenLetter[]> {
  const { open, unread } = await tools.open()
  try {
    return chosen(open, ids, options)
  } catch (error) {
    failWhereUnread(unread, options.app)
    throw error
  }
}

/**
 * The letters that a command is about.
 * @throws Error naming the id that isn't open, or that several applications have
 */
export function chosen(open: readonly OpenLetter[], ids: readonly string[], options: Choice): OpenLetter[] {
  const candidates = open.filter((letter) => options.app === undefined || letter.app === options.app)
  if (ids.length === 0) {
    if (!options.all) throw new Error('name letters by their ids (`tributary dead-letters list`), or say --all')
    return candidates
  }
  return ids.map((id) => {
    const [letter, ...others] = candidates.filter((each) => each.id === id)
    if (!letter)
      throw new Error(`no open letter has the id "${id}": \`tributary dead-letters list\` shows those there are`)
    if (others.length > 0) {
      const apps = [letter, ...others].map(({ app }) => app).join(', ')
      throw new Error(`several applications set "${id}" aside (${apps}): choose one with --app`)
    }
    return letter
  })
}

/** A letter as JSON: key as text, value left out (`show` has it). */
export function plain({ app, id, topic, partition, offset, timestamp, reason, message, key, at }: OpenLetter) {
  const keyText = key === null ? null : key.toString()
  const written = timestamp > 0 ? isoTime(timestamp) : null
  return { app, id, topic, partition, offset, key: keyText, written, reason, message, since: at }
}

function table(letters: readonly OpenLetter[]): string {
  const lines = letters.map(({ app, id, key, reason, message, at }) => {
    const about = key === null ? 'no key' : `key ${key}`
    return `${printable(`${app}  ${id}  ${about}  since ${at}`)}\n    ${printable(`${reason}: ${message}`)}`
  })
  const count = letters.length === 1 ? '1 letter is open' : `${letters.length} letters are open`
  return [...lines, letters.length === 0 ? 'no letter is open' : count].join('\n')
}

async function whole(letter: StoredLetter, tools: DeadLetterTools): Promise<string> {
  const { keyBytes, valueBytes } = letter
  const rows: [string, string][] = [
    ...Object.entries(plain(letter)).map(([name, value]): [string, string] => [name, String(value)]),
    ...letter.headers.map(([name, content]): [string, string] => [`header ${name}`, content.toString()]),
  ]
  if (keyBytes !== undefined) rows.push(['key', `cut: it had ${keyBytes} bytes`])
  if (valueBytes !== undefined) rows.push(['value', `cut: it had ${valueBytes} bytes`])
  const width = Math.max(...rows.map(([name]) => name.length))
  const value = letter.value === null ? 'no value' : await tools.describe(letter)
  return [...rows.map(([name, text]) => printable(`${name.padEnd(width)}  ${text}`)), '', printableLines(value)].join(
    '\n',
  )
}
