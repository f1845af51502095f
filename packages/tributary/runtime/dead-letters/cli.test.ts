import { Command } from 'commander'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { chosen, deadLettersCommands } from './cli.ts'
import type { OpenLetter, StoredLetter } from './letter.ts'

const letter = (app: string, id: string, over: Partial<StoredLetter> = {}): StoredLetter => ({
  id,
  app,
  topic: 'orders.events',
  partition: 0,
  offset: 1,
  timestamp: 0,
  reason: 'unreadable',
  message: 'garbage',
  key: Buffer.from('k'),
  value: Buffer.from([0, 1]),
  headers: [],
  at: '2026-01-01T00:00:00.000Z',
  place: 0,
  ...over,
})
const open = [letter('sink', 'a'), letter('processor-orders', 'b'), letter('payments.inbox', 'b')]

let said = ''
beforeEach(() => {
  said = ''
  const say = (text: string) => {
    said += `${text}\n`
  }
  vi.spyOn(console, 'log').mockImplementation(say)
  vi.spyOn(console, 'error').mockImplementation(say)
})
afterEach(() => vi.restoreAllMocks())

function run(letters: readonly StoredLetter[], ...args: string[]) {
  return runWith(new Map(), letters, ...args)
}

function runWith(unread: ReadonlyMap<string, string>, letters: readonly StoredLetter[], ...args: string[]) {
  const done: string[] = []
  const closerOf = (app: string) => ({
    apps: [app],
    replay: async ({ id }: OpenLetter) => {
      if (id === 'bad') throw new Error('still fails')
      done.push(`replay ${app} ${id}`)
      return 'replayed'
    },
    drop: async ({ id }: OpenLetter, reason: string) => {
      done.push(`drop ${app} ${id}: ${reason}`)
      return 'dropped'
    },
  })
  const program = new Command()
  deadLettersCommands(program, {
    apps: ['sink', 'processor-orders', 'payments.inbox'],
    open: async () => ({ open: letters, unread }),
    read: async ({ id }) => letters.find((each) => each.id === id)!,
    closers: async () => ['sink', 'processor-orders', 'payments.inbox'].map(closerOf),
    describe: async ({ value }) => String(value?.toString('hex')),
  })
  for (const command of program.commands.flatMap((one) => [one, ...one.commands])) {
    command.exitOverride().configureOutput({ writeErr: () => {} })
  }
  return program.parseAsync(['dead-letters', ...args], { from: 'user' }).then(() => done)
}

test('a letter that several applications have is asked for by its application', () => {
  expect(() => chosen(open, ['b'], {})).toThrow('several applications set "b" aside (processor-orders, payments.inbox)')
  expect(chosen(open, ['b'], { app: 'payments.inbox' })).toEqual([open[2]])
})

test('an id that is not open is named', () => {
  expect(() => chosen(open, ['c'], {})).toThrow('no open letter has the id "c"')
  expect(() => chosen(open, [], {})).toThrow('or say --all')
})

test.each([
  ['list', 'payment.inbox'],
  ['replay', '--all', '--app', 'sinks'],
  ['drop', '--all', '--reason', 'x', '--app', ''],
])('an application that is not there is not one without letters: %s %s', async (...args) => {
  await expect(run(open, ...args)).rejects.toThrow('There is no such application; there are sink, processor-orders')
})

test('each letter goes to the one who deals with its application, and one that fails leaves the others done', async () => {
  const letters = [letter('sink', 'bad'), letter('processor-orders', 'good')]
  await expect(run(letters, 'replay', '--all')).rejects.toThrow('1 of 2 letters stay open')
  expect(said).toContain('sink  bad: still fails')
  expect(said).toContain('processor-orders  good: replayed')
})

test('dropping takes a reason', async () => {
  expect(await run(open, 'drop', 'a', '--reason', 'a test record')).toEqual(['drop sink a: a test record'])
  await expect(run(open, 'drop', 'a', '--reason', ' ')).rejects.toThrow('--reason must say why')
})

test('what a record holds does not steer the terminal', async () => {
  await run([letter('sink', 'a', { key: Buffer.from('\u001B[2J'), message: 'a\u202Eb' })], 'list')
  expect(said).toContain('\\u001b[2J')
  expect(said).toContain('a\\u202eb')
  expect(said).toContain('1 letter is open')
})

test('a letter is shown whole, with what was cut', async () => {
  await run([letter('sink', 'a', { valueBytes: 1_000_000, headers: [['ce_id', Buffer.from('7')]] })], 'show', 'a')
  expect(said).toMatch(/header ce_id +7/)
  expect(said).toContain('cut: it had 1000000 bytes')
  expect(said).toContain('0001')
})

test('where a topic is missing, the letters of the others are listed, and which is missing and what mends it', async () => {
  const unread = new Map([['payments.inbox', 'payments.inbox.dead-letters']])
  await expect(runWith(unread, [letter('sink', 'a')], 'list')).rejects.toThrow(
    /payments\.inbox, whose topic "payments\.inbox\.dead-letters" doesn't exist: run `npx --no tributary topics apply`/,
  )
  expect(said).toContain('1 letter is open')
  await runWith(unread, [letter('sink', 'a')], 'list', 'sink')
  expect(await runWith(unread, [letter('sink', 'a')], 'replay', 'a')).toEqual(['replay sink a'])
  await expect(runWith(unread, [letter('sink', 'a')], 'replay', 'b')).rejects.toThrow('not all letters are known')
})

test('whatever time a record says it was written at, its letter is listed with the others', async () => {
  const times = [
    letter('sink', 'a', { timestamp: 2 ** 62 }),
    letter('sink', 'b', { timestamp: -1 }),
    letter('sink', 'c', { timestamp: 1 }),
  ]
  await run(times, 'list', '--json')
  const written = (JSON.parse(said) as { written: string | null }[]).map((each) => each.written)
  expect(written).toEqual([null, null, '1970-01-01T00:00:00.001Z'])
})
