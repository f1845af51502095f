import { createServer, type Server } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import system from '../../../tributary.config.ts'
import { conditionFrom, conditionOf, connectorFaults } from './health.ts'
import type { ProcessSpec } from './processes.ts'
import { shapeOf } from './shape.ts'

const { processes, defaultPorts } = shapeOf(system)

const concern = { part: 'orders', what: 'its slot holds 9 GB', remedy: 'npx --no tributary connectors status' }

test('a reason is said in whole, quotation marks and all', () => {
  const reason = 'column "city" of relation "customers" does not exist, says "orders"'
  expect(conditionFrom(503, JSON.stringify({ status: 'unavailable', reason, concerns: [] })).ailment).toBe(
    `answers 503: ${reason}`,
  )
})

test('concerns are heard beside a reason and without one', () => {
  expect(conditionFrom(200, JSON.stringify({ status: 'ok', concerns: [concern] }))).toEqual({
    ailment: undefined,
    concerns: [concern],
  })
  expect(conditionFrom(503, JSON.stringify({ reason: 'r', concerns: [concern, 'nonsense', null] })).concerns).toEqual([
    concern,
  ])
})

test.each([
  ['<html>', 'answers 502'],
  ['null', 'answers 502'],
  ['{"detail":"the database\\n is away","status":502}', 'answers 502: the database is away'],
  ['{"error_code":500,"message":"IO \\"x\\" failed"}', 'answers 502: IO "x" failed'],
])('whatever answers, its words are taken as they stand: %s', (body, ailment) => {
  expect(conditionFrom(502, body).ailment).toBe(ailment)
})

test("a connector's failed task is told with the first line of its trace, in whole", () => {
  const status = {
    connector: { state: 'RUNNING' },
    tasks: [{ id: 0, state: 'FAILED', trace: 'io.debezium.DebeziumException: slot "orders" is gone\n\tat x\n\tat y' }],
  }
  const running = { connector: { state: 'RUNNING' }, tasks: [{ id: 0, state: 'RUNNING' }] }
  expect(connectorFaults({ orders: { status }, payments: { status: running } }, 3)).toBe(
    'task orders/0 is FAILED: io.debezium.DebeziumException: slot "orders" is gone, 2 of 3 connectors are there',
  )
  expect(connectorFaults({ payments: { status: running } }, 1)).toBeUndefined()
})

test('whatever accepts a connection and says nothing is named within seconds, whichever way it is asked', async () => {
  // As a process that is stopped: the system accepts for it.
  const mute: Server = createServer(() => {}).listen(0, '127.0.0.1')
  onTestFinished(() => void mute.close())
  await new Promise((resolve) => mute.once('listening', resolve))
  const { port } = mute.address() as { port: number }
  const asked = ['postgres', 'kafka', 'elasticsearch'].map((name) => processes.find((spec) => spec.name === name)!)
  const start = performance.now()
  const conditions = await Promise.all(
    asked.map((spec: ProcessSpec) => conditionOf(spec, { ...defaultPorts, [spec.port]: port }, {})),
  )
  for (const { ailment } of conditions) expect(ailment).toBeTruthy()
  expect(performance.now() - start).toBeLessThan(8_000)
})
