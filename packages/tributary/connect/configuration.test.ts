import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { project } from '#runtime/project'
import { services } from '../../../tests/harness/marketplace.ts'
import { connectorOf, describeDrift, driftOf, wantedConnectors } from './configuration.ts'

test('every service has a connector of its own on its own slot, login and topic', () => {
  const wanted = wantedConnectors(services)
  expect([...wanted.keys()]).toEqual(services.map(connectorOf))
  expect(wanted.get('orders-outbox')).toMatchObject({
    'database.dbname': 'orders',
    'database.user': 'orders_connector',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Connect fills it in
    'database.password': '${env:ORDERS_CONNECTOR_PASSWORD}',
    'slot.name': 'orders_outbox',
    'transforms.outbox.route.topic.replacement': 'orders.events',
  })
  for (const config of wanted.values()) {
    expect(JSON.stringify(config)).not.toMatch(/<service>/i)
    for (const value of Object.values(config)) expect(value).toBeTypeOf('string')
  }
})

test('no secret stands in the file', () => {
  const file = readFileSync(join(project(), 'connectors', 'outbox.json'), 'utf8')
  // biome-ignore lint/suspicious/noTemplateCurlyInString: Connect fills it in
  expect(JSON.parse(file)['database.password']).toBe('${env:<SERVICE>_CONNECTOR_PASSWORD}')
})

test('drift is what was changed, added or taken away; the name that Connect adds is none', () => {
  const wanted = { a: '1', b: '2', c: '3' }
  expect(driftOf(wanted, { ...wanted, name: 'x' })).toEqual([])
  expect(driftOf(wanted, { name: 'x', a: '1', b: '9', d: '4' }).map(describeDrift)).toEqual([
    'b: "9" → "2"',
    'c: (not set) → "3"',
    'd: "4" → (not set)',
  ])
})

test('a password that someone wrote into a connector is not shown', () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: Connect fills it in
  const wanted = '${env:X}'
  const line = describeDrift({ setting: 'database.password', is: 'secret', wanted })
  expect(line).toBe(`database.password: (a password) → "${wanted}"`)
})
