import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Gate, Places } from './gate.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const alone = (places = new Places(), look = () => {}) => new Gate(places, look)

test('lets in more after bulks that went well, but no more than four', () => {
  const gate = alone()
  const before = gate.limit
  for (let i = 0; i < 50; i++) gate.wentWell()
  expect(before).toBe(2)
  expect(gate.limit).toBe(4)
})

test('asks for half as much, in smaller bulks, when it was too much, and never for nothing', () => {
  const gate = alone()
  const size = gate.bulkSize
  gate.wasTooMuch()
  expect(gate.limit).toBe(1)
  expect(gate.bulkSize).toBe(size / 2)
  for (let i = 0; i < 50; i++) gate.wasTooMuch()
  expect(gate.limit).toBe(1)
  expect(gate.bulkSize).toBe(50)
})

test('who found it full is told when a place is free', () => {
  const look = vi.fn()
  const gate = alone(new Places(), look)
  const leave = gate.enter()!
  while (gate.enter());
  expect(look).not.toHaveBeenCalled()
  leave()
  expect(look).toHaveBeenCalledOnce()
  expect(gate.enter()).toBeDefined()
})

test('all lanes together have four places, and those who wait are told in turn', () => {
  const places = new Places()
  const told: string[] = []
  const [a, b, c] = ['a', 'b', 'c'].map((name) => alone(places, () => told.push(name)))
  const leave = a!.enter()!
  a!.enter()
  b!.enter()
  b!.enter()
  expect(c!.enter()).toBeUndefined()
  leave()
  expect(told).toEqual(['c', 'a', 'b'])
  expect(c!.enter()).toBeDefined()
})

test('a lane whose documents are not taken tries with one bulk, and takes no place from the others', () => {
  const places = new Places()
  const [ill, well, other] = [alone(places), alone(places), alone(places)]
  ill.tookNothing()
  expect(ill.enter()).toBeDefined()
  expect(ill.enter()).toBeUndefined()
  expect([well.enter(), well.enter(), other.enter(), other.enter()].every(Boolean)).toBe(true)
})

test('a bulk that is not answered for long holds up its own lane alone', () => {
  const places = new Places()
  const [slow, other] = [alone(places), alone(places)]
  for (let i = 0; i < 50; i++) slow.wentWell()
  const leave = slow.enter()!
  while (slow.enter());
  expect(other.enter()).toBeUndefined()
  vi.advanceTimersByTime(2_000)
  expect(other.enter()).toBeDefined()
  expect(slow.enter()).toBeUndefined()
  leave()
  expect(slow.enter()).toBeDefined()
})
