import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '@elastic/elasticsearch'
import type { FastifyInstance } from 'fastify'
import { afterEach, expect, test } from 'vitest'
import { openLog } from '#runtime/log'
import { reportsServer } from './server.ts'
import { reporting } from './testing/boats.ts'

let server: FastifyInstance
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await server.close()
})

/** Serves so many pages of documents, each after a pause; gives the address of the file. */
async function serve({ pages, pauseMs }: { pages: number; pauseMs: number }): Promise<{ port: number; url: string }> {
  let left = pages
  const hits = Array.from({ length: 1_000 }, (_, n) => ({ _source: { boat: { boatId: 'o'.repeat(400) } }, sort: [n] }))
  const client = {
    openPointInTime: async () => ({ id: 'pit' }),
    closePointInTime: async () => ({}),
    search: async () => {
      await sleep(pauseMs)
      return { hits: { hits: left-- > 0 ? hits : [] } }
    },
  }
  server = await reportsServer({
    reporting,
    client: client as unknown as Client,
    log: openLog('reports', 'silent'),
    state: {} as never,
    system: {} as never,
    stalledMs: 300,
  })
  await server.listen({ host: '127.0.0.1', port: 0 })
  const { port } = server.server.address() as AddressInfo
  return { port, url: `http://127.0.0.1:${port}/api/reports/hires/documents.csv` }
}

/** Asks for the file and takes nothing of it. */
async function stall(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  await once(socket, 'connect')
  socket.pause()
  socket.write('GET /api/reports/hires/documents.csv HTTP/1.1\r\nhost: localhost\r\n\r\n')
}

test('files that nobody takes are given up, and others have their turn', async () => {
  const { port, url } = await serve({ pages: Number.POSITIVE_INFINITY, pauseMs: 1 })
  for (let turn = 0; turn < 2; turn++) await stall(port)
  const answer = await fetch(url)
  expect(answer.status).toBe(200)
  await answer.body!.cancel()
})

test('a file whose pages take long to be found is not given up while somebody waits for them', async () => {
  const { url } = await serve({ pages: 3, pauseMs: 500 })
  const text = await (await fetch(url)).text()
  expect(text.split('\r\n')).toHaveLength(1 + 3_000 + 1)
})
