import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type History, historiesOf, isEvent, isRecord, lasting, type Possible } from './histories.ts'
import type { TopicEvent } from './records.ts'
import { boxes } from './toy-services.ts'

const sample = (possible?: Possible, values?: Readonly<Record<string, readonly unknown[]>>): readonly History[] =>
  fc.sample(historiesOf({ services: [boxes], possible, values }), { numRuns: 100, seed: 1 })
const eventsOf = (history: History): readonly TopicEvent[] => history.steps.filter(isEvent)

test('events have the keys that their service publishes them under, and things meet', () => {
  const histories = sample()
  for (const { key, data } of histories.flatMap(eventsOf)) expect(key).toBe((data as { boxId: string }).boxId)
  const longest = histories.map(eventsOf).toSorted((a, b) => b.length - a.length)[0]!
  expect(longest).toHaveLength(80)
  expect(new Set(longest.map(({ key }) => key)).size).toBeLessThanOrEqual(3)
})

test('texts are odd now and then, and what may be null is', () => {
  const events = sample().flatMap(eventsOf)
  expect(new Set(events.map(({ key }) => key)).size).toBeGreaterThan(20)
  expect(events.some(({ name, data }) => name === 'BoxMade' && (data as { lid: unknown }).lid === null)).toBe(true)
})

test('instants are equal now and then, and a millisecond apart', () => {
  const opened = sample().map((history) =>
    eventsOf(history).flatMap(({ name, data }) =>
      name === 'BoxOpened' ? (data as { openedAt: number }).openedAt : [],
    ),
  )
  const apart = (ms: number) =>
    opened.filter((times) => times.some((at, i) => times.indexOf(at + ms, i + 1) >= 0)).length
  expect(apart(0)).toBeGreaterThan(50)
  expect(apart(1)).toBeGreaterThan(20)
})

test('keys are erased, and what happened to them before is not among what is left', () => {
  const histories = sample()
  let erased = 0
  for (const history of histories) {
    const left = new Set(lasting(history))
    for (const [at, step] of history.steps.entries()) {
      if (!isRecord(step)) continue
      const gone = history.steps.slice(at).some((later) => 'erased' in later && later.key === step.key)
      if (isEvent(step)) expect(left.has(step)).toBe(!gone)
      else erased++
    }
  }
  expect(erased).toBeGreaterThan(100)
})

test('an event that is not possible yet happens once it is', () => {
  const events = sample((earlier, { name }) => earlier.length === (name === 'BoxOpened' ? 1 : 0)).flatMap(eventsOf)
  const [made, opened] = ['BoxMade', 'BoxOpened'].map((name) => events.filter((event) => event.name === name).length)
  expect(opened).toBeGreaterThan(0.9 * made!)
})

test('what is not possible after the earlier events of its key does not happen', () => {
  const histories = sample((earlier, { name }) => earlier.length === (name === 'BoxOpened' ? 1 : 0))
  for (const history of histories) {
    const byKey = Map.groupBy(lasting(history), ({ key }) => key)
    for (const events of byKey.values())
      expect(['BoxMade', 'BoxMade BoxOpened']).toContain(events.map(({ name }) => name).join(' '))
  }
  expect(histories.flatMap(eventsOf).some(({ name }) => name === 'BoxOpened')).toBe(true)
})

test('what an event says may be given in place of what was made, but not another key', () => {
  const told = sample((_, { name, data }) => name === 'BoxMade' && { ...(data as object), lid: 'told' })
  expect(new Set(told.flatMap(eventsOf).map(({ data }) => (data as { lid: string }).lid))).toEqual(new Set(['told']))
  expect(() => sample((_, { data }) => ({ ...(data as object), boxId: 'another' }))).toThrow(
    /gave the Box\w+ of ".*" another key/,
  )
})

test('a field that is told its values has no others', () => {
  const keys = sample(undefined, { boxId: ['one', 'two'] })
    .flatMap(eventsOf)
    .map(({ key }) => key)
  expect(new Set(keys)).toEqual(new Set(['one', 'two']))
})
