import { expect, test } from 'vitest'
import system from '../../../tributary.config.ts'
import { addresses, readStackSettings } from './environment.ts'
import { select } from './processes.ts'
import { shapeOf } from './shape.ts'

const shape = shapeOf(system)
const { processes, defaultPorts } = shape

test('without settings the defaults of .env.example hold', async () => {
  const { parseEnv } = await import('node:util')
  const { readFileSync } = await import('node:fs')
  const example = parseEnv(readFileSync(new URL('../../../.env.example', import.meta.url), 'utf8'))
  const { ports } = readStackSettings(shape, {})
  for (const [name, port] of Object.entries(ports)) expect(example[name], name).toBe(String(port))
})

test('all wrong settings are named at once', () => {
  const read = () =>
    readStackSettings(shape, { KAFKA_PORT: 'ninety', SINK_PORT: '70000', STACK: 'cloud', DEMO: 'maybe' })
  for (const fault of ['KAFKA_PORT="ninety"', 'SINK_PORT="70000"', 'STACK="cloud"', 'DEMO="maybe"']) {
    expect(read).toThrow(fault)
  }
})

test('two settings with the same port are refused by name', () => {
  expect(() => readStackSettings(shape, { KAFKA_PORT: '15000', SINK_PORT: '15000' })).toThrow(
    'KAFKA_PORT and SINK_PORT are both 15000',
  )
})

test('every address follows from the ports', () => {
  const at = addresses(shape, { ...defaultPorts, KAFKA_PORT: 1, ORDERS_PORT: 2, REGISTRY_PORT: 3 })
  expect(at).toMatchObject({
    KAFKA_BROKERS: '127.0.0.1:1',
    ORDERS_URL: 'http://127.0.0.1:2',
    REGISTRY_URL: 'http://127.0.0.1:3/apis/ccompat/v7',
  })
})

test('each process stands after those it needs', () => {
  const seen = new Set<string>()
  for (const spec of processes) {
    for (const need of spec.needs) expect(seen, `${spec.name} needs ${need}`).toContain(need)
    seen.add(spec.name)
  }
})

test('a selection brings along what it needs, in starting order', () => {
  expect(select(processes, ['connect', 'registry']).map((spec) => spec.name)).toEqual([
    'postgres',
    'kafka',
    'registry',
    'connect',
  ])
  expect(select(processes, ['servers'])).toHaveLength(5)
  expect(() => select(processes, ['kafak'])).toThrow('there is no process "kafak": choose among servers, postgres')
})
