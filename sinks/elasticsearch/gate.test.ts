import { expect, test, vi } from 'vitest'
import { Gate } from './gate.ts'

test('lets in more after bulks that went well, but no more than four', () => {
  const gate = new Gate()
  const before = gate.limit
  for (let i = 0; i < 50; i++) gate.wentWell()
  expect(before).toBe(2)
  expect(gate.limit).toBe(4)
})

test('asks for half as much, in smaller bulks, when it was too much, and never for nothing', () => {
  const gate = new Gate()
  const size = gate.bulkSize
  gate.wasTooMuch()
  expect(gate.limit).toBe(1)
  expect(gate.bulkSize).toBe(size / 2)
  for (let i = 0; i < 50; i++) gate.wasTooMuch()
  expect(gate.limit).toBe(1)
  expect(gate.bulkSize).toBe(50)
})

test('who found it full is told when a place is free', () => {
  const gate = new Gate()
  const look = vi.fn()
  gate.onFree(look)
  while (gate.enter());
  expect(look).not.toHaveBeenCalled()
  gate.leave()
  expect(look).toHaveBeenCalledOnce()
  expect(gate.enter()).toBe(true)
})
