import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { generateMarketplace } from './generate.ts'
import { describeProgress, duration, showProgress } from './progress.ts'
import { requireServices } from './reach.ts'
import { runMarketplace } from './run.ts'
import { judge, openSender } from './send.ts'
import { type StubServices, stubServices } from './stub-services.ts'

const market = generateMarketplace({ orders: 20, seed: 1 })
let stub: StubServices
let home: string
beforeEach(async () => {
  stub = await stubServices(({ method }) => ({ status: method === 'GET' ? 200 : 201 }))
  home = await mkdtemp(join(tmpdir(), 'run-'))
})
afterEach(async () => {
  await stub.close()
  await rm(home, { recursive: true })
})

function run(more: { readonly wait?: boolean } = {}) {
  let said = ''
  const out = {
    write: (text: string) => {
      said += text
      return true
    },
  }
  const common = { urls: stub.urls, freshnessUrl: stub.urls.orders, home, source: 'test', concurrency: 4, out, ...more }
  return runMarketplace(market, { ...common, signal: new AbortController().signal }).then((finished) => ({
    finished,
    said,
  }))
}

test('a run ends with orders, events, seconds and events per second; a second one finds nothing left', async () => {
  const first = await run()
  expect(first.finished).toBe(true)
  expect(first.said).toMatch(
    /20 orders, [\d,]+ events, \d+ s\n {2}written .* events\/s\n {2}searchable .* events\/s\n$/,
  )
  expect(await readdir(join(home, 'simulator'))).toEqual(['load-test.journal'])
  const posts = () => stub.received.filter((request) => request.method !== 'GET').length
  const sent = posts()
  const second = await run()
  expect(second.said).toContain('20 of 20 orders were played before')
  expect(second.said).toContain('none is left')
  expect(posts()).toBe(sent)
})

test('a run that is not to wait ends when everything is written, and asks nobody what is searchable', async () => {
  const { finished, said } = await run({ wait: false })
  expect(finished).toBe(true)
  expect(said).toMatch(/20 orders, [\d,]+ events, \d+ s\n {2}written .* events\/s\n$/)
  expect(stub.received.filter(({ path }) => path.startsWith('/wait'))).toEqual([])
})

test('services that do not answer are named, all of them', async () => {
  const sender = openSender(
    { ...stub.urls, orders: 'http://127.0.0.1:1', reviews: 'http://127.0.0.1:1' },
    { connections: 1 },
  )
  await expect(requireServices(sender, { giveUpMs: 0 })).rejects.toThrow(
    /not all services answer:\n {2}orders: .*ECONNREFUSED.*\n {2}reviews: .*ECONNREFUSED.*\nIs the system up\?/,
  )
  await sender.close()
})

test.each([
  [409, '{"retryable":true}', 'not-yet'],
  [409, '{"retryable":false}', 'refused'],
  [409, 'no JSON', 'refused'],
  [400, '{"retryable":true}', 'refused'],
  [422, '{}', 'refused'],
  [404, '{}', 'refused'],
  [429, '', 'down'],
  [500, '', 'down'],
  [503, '', 'down'],
])('an answer %i %s is %s', (status, text, outcome) => {
  expect(judge(status, text).outcome).toBe(outcome)
})

describe('progress', () => {
  test('tells orders, commands, their rate, and the time left', () => {
    const tally = { orders: 250, commands: 2_500, notYet: 3, down: 1 }
    expect(describeProgress(tally, 1_000, 10)).toBe(
      '250 of 1,000 orders, 2,500 commands, 250/s, 4 sent again, 30 s left',
    )
  })

  test('is a line that changes on a terminal, and a line of its own elsewhere', () => {
    const shown = (isTTY: boolean) => {
      let text = ''
      const write = (more: string | Uint8Array) => {
        text += more
        return true
      }
      showProgress({ isTTY, write }, { orders: 0, commands: 0, notYet: 0, down: 0 }, 1).stop()
      return text
    }
    expect(shown(true)).toMatch(/^\r.*0 of 1 orders.*\n$/)
    expect(shown(false)).toMatch(/^0 of 1 orders[^\r]*\n$/)
  })

  test('tells what it waits for while nothing moves', () => {
    const tally = { orders: 0, commands: 5, notYet: 1, down: 0, lastTrouble: 'payments: 409 unknown_order\u001B[2J' }
    let text = ''
    const write = (more: string | Uint8Array) => {
      text += more
      return true
    }
    vi.useFakeTimers()
    const progress = showProgress({ write }, tally, 1)
    vi.advanceTimersByTime(5_000)
    expect(text).not.toContain('waiting')
    vi.advanceTimersByTime(5_000)
    expect(text).toContain('1 sent again; waiting: payments: 409 unknown_order\\u001b[2J')
    progress.stop()
    vi.useRealTimers()
  })

  test.each([
    [45.2, '45 s'],
    [200, '3 min 20 s'],
    [7_500, '2 h 05 min'],
  ])('%f seconds are %s', (seconds, text) => {
    expect(duration(seconds)).toBe(text)
  })
})
