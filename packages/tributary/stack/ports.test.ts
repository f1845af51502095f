import { once } from 'node:events'
import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { expect, test } from 'vitest'
import { findTakenPorts, takenPortsMessage } from './ports.ts'

test('a taken port is found with its holder: pid and command', async () => {
  await using server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const taken = await findTakenPorts(new Map([['KAFKA_PORT', port]]))
  expect(taken).toEqual([
    { variable: 'KAFKA_PORT', port, pid: process.pid, holder: expect.stringContaining(`pid ${process.pid} (`) },
  ])
})

const ipv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'))
test.skipIf(!ipv6)(
  'one that is taken on the IPv6 loopback address only is found, too: localhost may mean it',
  async () => {
    await using server = createServer()
    server.listen(0, '::1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const taken = await findTakenPorts(new Map([['KAFKA_PORT', port]]))
    expect(taken).toEqual([
      { variable: 'KAFKA_PORT', port, pid: process.pid, holder: expect.stringContaining(`pid ${process.pid} (`) },
    ])
  },
)

test('a free port is not found', async () => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  expect(await findTakenPorts(new Map([['KAFKA_PORT', port]]))).toEqual([])
})

test('the message names each port, its variable, its holder and the remedy', () => {
  const message = takenPortsMessage([
    { variable: 'KAFKA_PORT', port: 19092, pid: 7, holder: 'pid 7 (java Kafka)' },
    { variable: 'SINK_PORT', port: 14021, pid: undefined, holder: undefined },
  ])
  expect(message).toContain('2 ports are taken; nothing was started')
  expect(message).toContain('port 19092 (KAFKA_PORT) is taken by pid 7 (java Kafka)')
  expect(message).toContain("port 14021 (SINK_PORT) is taken by a process this user can't see")
  expect(message).toContain('.env')
})
