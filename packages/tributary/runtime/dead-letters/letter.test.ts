import { expect, test } from 'vitest'
import { closingRecord, type Letter, letterId, letterRecord, MOST_BYTES, OpenLetters, readLetter } from './letter.ts'

const now = new Date('2026-01-02T03:04:05.678Z')
const letterOf = (over: Partial<Letter> = {}): Letter => ({
  id: letterId('orders.events', 3, 41, 'o1'),
  app: 'processor-orders',
  topic: 'orders.events',
  partition: 3,
  offset: 41,
  timestamp: 1_000,
  reason: 'unreadable',
  message: "it doesn't begin with byte 0",
  key: Buffer.from('o1'),
  value: Buffer.from('garbage'),
  headers: [['ce_id', Buffer.from('1')]],
  ...over,
})
const stored = (letter: Letter, offset = 0) => ({ ...letterRecord(letter, now), offset })
const sizeOf = ({ key, value, headers }: ReturnType<typeof letterRecord>) =>
  (key?.length ?? 0) + (value?.length ?? 0) + headers.reduce((sum, [n, c]) => sum + n.length + c.length + 10, 0)

test('a letter is read as it was written', () => {
  for (const letter of [letterOf(), letterOf({ topicId: 'a' })]) {
    const read = readLetter(stored(letter, 7))
    expect(read).toEqual({ letter: { ...letter, at: now.toISOString(), place: 7 } })
  }
})

test('whatever was set aside, its letter fits a broker, and length and hash of what was cut are kept', () => {
  const value = Buffer.alloc(1_048_000, 7)
  const key = Buffer.alloc(900_000, 'k')
  const headers = Array.from({ length: 2_000 }, (_, i) => [`h${i}`, Buffer.alloc(i)] as const)
  const record = letterRecord(letterOf({ value, key, headers, message: 'x'.repeat(1e6) }), now)
  expect(sizeOf(record)).toBeLessThan(MOST_BYTES + 16_000)
  const notes = Object.fromEntries(record.headers.map(([name, content]) => [name, content.toString()]))
  expect(notes).toMatchObject({ dl_value_bytes: '1048000', dl_key_bytes: '900000' })
  expect(notes.dl_value_sha256).toMatch(/^[0-9a-f]{64}$/)
})

test('a letter is open until its closing, and a fault found twice is one letter', () => {
  const open = new OpenLetters()
  open.take(stored(letterOf(), 0))
  open.take(stored(letterOf({ message: 'again' }), 1))
  open.take(stored(letterOf({ id: 'orders.events/3/42', offset: 42 }), 2))
  expect(open.all.map(({ id, place }) => [id, place])).toEqual([
    ['orders.events/3/41', 0],
    ['orders.events/3/42', 2],
  ])
  const closing = { id: 'orders.events/3/41', app: 'processor-orders', outcome: 'replayed', message: 'mended' } as const
  open.take({ ...closingRecord(closing, now), offset: 3 })
  expect(open.all.map(({ id }) => id)).toEqual(['orders.events/3/42'])
})

/** Letters of which the first was given up, and then these came. */
function afterDrop(first: Letter, ...later: Letter[]): OpenLetters {
  const open = new OpenLetters()
  open.take(stored(first, 0))
  open.take({ ...closingRecord({ id: first.id, app: first.app, outcome: 'dropped', message: '' }, now), offset: 1 })
  for (const [i, letter] of later.entries()) open.take(stored(letter, 2 + i))
  return open
}

test('who reads the same topic again knows what was given up of it, and of no other topic at its places', () => {
  const row = letterOf({ topicId: 'a' })
  const letters = afterDrop(row)
  expect(letters.wasDropped(row)).toBe(true)
  expect(letters.wasDropped({ ...row, topicId: 'b' })).toBe(false)
  expect(letters.wasDropped(letterOf())).toBe(false)
  expect(afterDrop(letterOf()).wasDropped(letterOf())).toBe(false)
})

test('a record that is set aside again after it was dropped is open again', () => {
  for (const letter of [letterOf(), letterOf({ topicId: 'a' })]) {
    const letters = afterDrop(letter, letter)
    expect(letters.all).toMatchObject([{ id: letter.id }])
    expect(letters.wasDropped(letter)).toBe(false)
  }
})

test('of a topic made anew another record stands at the place: its letter takes the place of the one that is open', () => {
  const [before, after] = [letterOf({ topicId: 'a' }), letterOf({ topicId: 'b' })]
  expect(afterDrop(before, after).all).toMatchObject([{ topicId: 'b' }])
  const open = new OpenLetters()
  for (const [offset, letter] of [before, after].entries()) open.take(stored(letter, offset))
  expect(open.all).toMatchObject([{ topicId: 'b' }])
})

test('a row that fails again after it was dropped is open again', () => {
  const row = letterOf({ topic: 'operator:sales', offset: -1, id: letterId('operator:sales', 3, -1, 'day|SP|toys') })
  expect(afterDrop(row, row).all).toMatchObject([{ id: row.id }])
  expect(afterDrop(row).wasDropped({ ...row, topicId: 'a' })).toBe(false)
})

test('of an open letter nothing large is kept, nor what a fetch brought as a whole', () => {
  const fetched = Buffer.alloc(1_000_000)
  const record = { ...stored(letterOf({ value: Buffer.alloc(100_000) })), key: fetched.subarray(0, 2) }
  const open = new OpenLetters()
  open.take(record)
  const [letter] = open.all
  expect(Buffer.from(JSON.stringify(letter)).length).toBeLessThan(1_000)
  expect((letter!.key as Buffer).buffer).not.toBe(fetched.buffer)
})

test('what is neither letter nor closing is passed over', () => {
  expect(readLetter({ key: null, value: Buffer.from('?'), headers: [], offset: 0 })).toBeUndefined()
})
