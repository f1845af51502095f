import Fastify, { type FastifyInstance } from 'fastify'
import { afterEach, expect, test } from 'vitest'
import { applyConnectors, awaitRunning } from './apply.ts'
import { type ConnectorConfig, wantedConnectors } from './configuration.ts'
import { connectAt, faultOf, hasFailed, isRunning, remedyFor, type State } from './connect.ts'
import { connectorStates, describeState } from './status.ts'

const SERVICES = ['customers', 'catalog', 'orders', 'payments', 'shipping', 'reviews']
const wanted = wantedConnectors(SERVICES)

let server: FastifyInstance | undefined
afterEach(() => server?.close())

/** A Connect that keeps configurations and is busy rebalancing for the first `busy` requests. */
async function fakeConnect(busy = 0) {
  const configs = new Map<string, ConnectorConfig>()
  const puts: string[] = []
  const held = new Map<string, 'PAUSED' | 'STOPPED'>()
  server = Fastify()
  server.addHook('onRequest', async (_, reply) => {
    if (busy-- > 0) return reply.code(409).send({ error_code: 409, message: 'rebalance expected or in progress' })
  })
  server.get<{ Params: { name: string } }>('/connectors/:name/config', async ({ params }, reply) => {
    const config = configs.get(params.name)
    return config ? { ...config, name: params.name } : reply.code(404).send({ error_code: 404, message: 'not found' })
  })
  server.put<{ Params: { name: string } }>('/connectors/:name/config', async ({ params, body }) => {
    puts.push(params.name)
    configs.set(params.name, body as ConnectorConfig)
    return {}
  })
  server.put<{ Params: { name: string } }>('/connectors/:name/resume', async ({ params }) => {
    held.delete(params.name)
    return {}
  })
  server.get('/connectors', async () =>
    Object.fromEntries(
      [...configs.keys()].map((name) => {
        const state = held.get(name) ?? 'RUNNING'
        return [name, { status: { connector: { state }, tasks: state === 'STOPPED' ? [] : [{ id: 0, state }] } }]
      }),
    ),
  )
  const url = await server.listen({ port: 0, host: '127.0.0.1' })
  return { connect: connectAt(url, 10_000), configs, puts, held }
}

test('applying creates what is missing, mends what drifted, and leaves the rest alone', async () => {
  const { connect, configs, puts } = await fakeConnect()
  expect([...(await applyConnectors(connect, wanted)).done.values()].map(({ change }) => change)).toEqual(
    Array(6).fill('created'),
  )
  configs.set('orders-outbox', { ...configs.get('orders-outbox')!, 'poll.interval.ms': '500' })

  const [drifted] = (await connectorStates(connect, wanted)).filter((state) => state.drift.length > 0)
  expect(describeState(drifted!)).toContain('poll.interval.ms: "500" → "25"')

  puts.length = 0
  const again = await applyConnectors(connect, wanted)
  expect(puts).toEqual(['orders-outbox'])
  expect(again.done.get('orders-outbox')?.drift).toHaveLength(1)
  expect(configs.get('orders-outbox')).toEqual(wanted.get('orders-outbox'))
})

test('a connector that somebody paused or stopped is named with what resumes it, and applying does', async () => {
  const { connect, puts, held } = await fakeConnect()
  await applyConnectors(connect, wanted)
  held.set('orders-outbox', 'PAUSED').set('payments-outbox', 'STOPPED')
  const idle = (await connectorStates(connect, wanted)).filter((state) => !state.running)
  expect(idle.map(describeState)).toEqual([
    'orders-outbox was paused by somebody, and stays so: `npx --no tributary connectors apply`',
    'payments-outbox was stopped by somebody, and stays so: `npx --no tributary connectors apply`',
  ])

  puts.length = 0
  const { done } = await applyConnectors(connect, wanted)
  expect([...done.values()].filter(({ resumed }) => resumed).map(({ connector }) => connector)).toEqual([
    'orders-outbox',
    'payments-outbox',
  ])
  expect(puts).toEqual([])
  await awaitRunning(connect, [...wanted.keys()], 0)
})

test('what mends a connector that does not run depends on why', () => {
  const status = (state: State, task: State) => ({ name: 'c', state, tasks: [{ id: 0, state: task }] })
  expect(remedyFor('orders-outbox', undefined)).toBe('`npx --no tributary connectors apply`')
  expect(remedyFor('orders-outbox', status('PAUSED', 'PAUSED'))).toBe('`npx --no tributary connectors apply`')
  expect(remedyFor('orders-outbox', status('RUNNING', 'FAILED'))).toContain('connectors recover orders`')
  expect(remedyFor('orders-outbox', status('UNASSIGNED', 'RUNNING'))).toContain('connectors restart orders-outbox`')
})

test('a connector that Connect refuses leaves the others applied', async () => {
  const { connect, configs } = await fakeConnect()
  const refusing = {
    ...connect,
    putConfig: (connector: string, config: ConnectorConfig) =>
      connector === 'catalog-outbox' ? Promise.reject(new Error('refused')) : connect.putConfig(connector, config),
  }
  const applied = await applyConnectors(refusing, wanted)
  expect([...applied.failed.keys()]).toEqual(['catalog-outbox'])
  expect(configs.size).toBe(5)
})

test('a rebalance is waited out', async () => {
  const { connect } = await fakeConnect(2)
  expect(await connect.configOf('orders-outbox')).toBeUndefined()
})

test('a Connect that is not there is named with its address', async () => {
  await expect(connectAt('http://127.0.0.1:1', 0).statuses()).rejects.toThrow(
    "Kafka Connect at http://127.0.0.1:1 (CONNECT_URL) can't be reached",
  )
})

test('a running connector whose task has failed does not run, and says why', () => {
  const trace =
    'org.apache.kafka.connect.errors.ConnectException: failed\n\tat x\nCaused by: java.io.IOException: root\n'
  const status = { name: 'c', state: 'RUNNING', tasks: [{ id: 0, state: 'FAILED', trace }] } as const
  expect(isRunning(status)).toBe(false)
  expect(hasFailed(status)).toBe(true)
  expect(faultOf(status)).toBe('its task 0 has failed: java.io.IOException: root')
  const long = `${trace}more of it, "quoted"\n\tat y\n\t... 3 more\n`
  const lasting = { name: 'c', state: 'RUNNING', tasks: [{ id: 0, state: 'FAILED', trace: long }] } as const
  expect(faultOf(lasting)).toBe('its task 0 has failed: java.io.IOException: root more of it, "quoted"')
  expect(isRunning({ name: 'c', state: 'RUNNING', tasks: [] })).toBe(false)
})
