import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { NotSearchable, waitUntilSearchable } from './searchable.ts'

let server: Server | undefined
afterEach(() => server?.close())

async function freshness(answers: [number, object][]): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = []
  server = createServer((request, answer) => {
    asked.push(request.url ?? '')
    const [status, body] = answers[Math.min(asked.length, answers.length) - 1] as [number, object]
    answer.writeHead(status, { connection: 'close' }).end(JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

test('asks until everything of before is searchable, and what follows from it', async () => {
  const { url, asked } = await freshness([
    [504, { waitingFor: 'sales, 12 records behind', mark: 'life.7' }],
    [410, { detail: 'mark="life.7" is of an earlier life' }],
    [200, {}],
  ])
  const heard: string[] = []
  await waitUntilSearchable(url, { giveUpMs: 10_000, waitingFor: (what) => heard.push(what) })
  // The mark says what was committed before; one of an earlier life of the process is forgotten.
  const marks = asked.map((one) => new URL(one, url).searchParams.get('mark'))
  expect(marks).toEqual([null, 'life.7', null])
  expect(new URL(asked[0]!, url).searchParams.get('settled')).toBe('true')
  expect(heard[0]).toBe('sales, 12 records behind')
})

test('gives up with what it waited for', async () => {
  const { url } = await freshness([[503, { waitingFor: 'the sink' }]])
  const failed = waitUntilSearchable(url, { giveUpMs: 100 })
  await expect(failed).rejects.toThrow(NotSearchable)
  await expect(failed).rejects.toThrow(/is not searchable after 0 s \(the sink\)/)
})

test('says so when freshness does not answer, or is something else', async () => {
  const { url } = await freshness([[404, { message: 'no such route' }]])
  await expect(waitUntilSearchable(url, { giveUpMs: 10_000 })).rejects.toThrow(
    /doesn't tell what is searchable \(no such route\)\. Everything is written/,
  )
  server?.close()
  await expect(waitUntilSearchable(url, { giveUpMs: 10_000, outOfReachMs: 0 })).rejects.toThrow(/\(ECONNREFUSED\)/)
})

test('a stop ends the wait', async () => {
  const { url } = await freshness([[503, {}]])
  const stop = new AbortController()
  const waiting = waitUntilSearchable(url, { giveUpMs: 10_000, signal: stop.signal, waitingFor: () => stop.abort() })
  await expect(waiting).rejects.toThrow(/abort/i)
})
