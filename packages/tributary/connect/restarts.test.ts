import { expect, test } from 'vitest'
import type { State } from './connect.ts'
import { openRestarts, whatToRestart } from './restarts.ts'
import { openStalls } from './stalls.ts'

test('a failed connector is restarted at once, then after pauses that double', () => {
  const restarts = openRestarts()
  expect(restarts.isDue('c', 0)).toBe(true)
  expect(restarts.noteRestart('c', 0)).toBe(5_000)
  expect(restarts.isDue('c', 4_999)).toBe(false)
  expect(restarts.isDue('c', 5_000)).toBe(true)
  expect(restarts.noteRestart('c', 5_000)).toBe(10_000)
  for (let i = 0; i < 20; i++) restarts.noteRestart('c', 0)
  expect(restarts.noteRestart('c', 0)).toBe(30_000)
  expect(restarts.isDue('other', 0)).toBe(true)
})

test('a connector that ran well for a while begins with the shortest pause again', () => {
  const restarts = openRestarts()
  restarts.noteRestart('c', 0)
  restarts.noteRestart('c', 10_000)
  restarts.ranWell('c', 60_000)
  expect(restarts.noteRestart('c', 60_000)).toBe(20_000)
  restarts.ranWell('c', 130_000)
  expect(restarts.noteRestart('c', 130_000)).toBe(5_000)
})

test('a position that does not move is noticed', () => {
  const stalls = openStalls()
  expect(stalls.notes('s', '0/1', 0)).toBe(0)
  expect(stalls.notes('s', '0/1', 7)).toBe(7)
  expect(stalls.notes('s', '0/2', 8)).toBe(0)
  expect(stalls.notes('s', '0/2', 10)).toBe(2)
})

test('what failed is restarted at once, what stays unassigned after a while, what an operator paused never', () => {
  const status = (connector: State, task: State) => ({ name: 'c', state: connector, tasks: [{ id: 0, state: task }] })
  expect(whatToRestart(status('RUNNING', 'FAILED'), 0)).toBe('failed')
  expect(whatToRestart(status('UNASSIGNED', 'RUNNING'), 20_000)).toBeUndefined()
  expect(whatToRestart(status('UNASSIGNED', 'RUNNING'), 20_001)).toBe('all')
  expect(whatToRestart(status('RUNNING', 'UNASSIGNED'), 20_001)).toBe('all')
  expect(whatToRestart(status('PAUSED', 'PAUSED'), 1e9)).toBeUndefined()
  expect(whatToRestart(undefined, 1e9)).toBeUndefined()
})
