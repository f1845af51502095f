import { expect, test } from 'vitest'
import system from '../../../tributary.config.ts'
import { nothingGiven } from './given.ts'
import { shapeOf } from './shape.ts'
import { type ProcessStatus, statusOf, statusTable, urlsOf } from './status.ts'

const shape = shapeOf(system)
const urls = urlsOf({ shape, ports: shape.defaultPorts, given: nothingGiven })
const one = (more: Partial<ProcessStatus>): ProcessStatus => ({
  name: 'orders',
  kind: 'service',
  state: 'ready',
  concerns: [],
  pid: 1,
  restarts: 0,
  port: 2,
  uptime: 3,
  memoryMb: 4,
  peakMemoryMb: 5,
  ...more,
})
const slot = { part: 'orders', what: 'its slot holds 9 GB', remedy: 'end pid 7' }
const letter = { part: 'sales', what: 'a dead letter is open' }
const lastLine = (table: string) => table.split('\n').at(-1)

test('a concern is shown with its remedy, once, and the system stays ready', () => {
  const status = statusOf([one({ concerns: [slot] }), one({ name: 'watch', concerns: [slot, letter] })], urls)
  expect(status).toMatchObject({ ready: true, concerns: [slot, letter] })
  const table = statusTable(status)
  expect(table).toContain('\n  orders: its slot holds 9 GB → end pid 7\n  sales: a dead letter is open\n')
  expect(lastLine(table)).toBe('ready, with 2 concerns')
})

test('without concerns it is ready, and with an unwell process it is not', () => {
  expect(lastLine(statusTable(statusOf([one({})], urls)))).toBe('ready')
  const status = statusOf([one({ state: 'unwell', reason: 'says "no"', concerns: [slot] })], urls)
  expect(status.ready).toBe(false)
  expect(statusTable(status)).toContain('says "no"')
  expect(lastLine(statusTable(status))).toBe('not ready')
})

test('what others wrote does not steer the terminal', () => {
  const what = 'the first, of key "\u001B[2J\nready": \u202Eunreadable'
  const table = statusTable(statusOf([one({ reason: 'a\u009B31m', concerns: [{ part: 'topic x', what }] })], urls))
  expect(table).toContain('of key "\\u001b[2J\\u000aready": \\u202eunreadable')
  expect(table).toContain('a\\u009b31m')
})
