import { type ScratchStack, scratchStack } from 'tributary/testing/stack'
import { afterAll, beforeAll, expect, test } from 'vitest'

let stack: ScratchStack
beforeAll(async () => {
  stack = await scratchStack()
}, 900_000)
afterAll(() => stack?.stop(), 120_000)

async function post(url: string, body: object): Promise<void> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`)
}

test('what two services commit is one document, and every document is what SQL says', async () => {
  const { MEMBERS_URL, LOANS_URL, ELASTICSEARCH_URL } = stack.env
  await post(`${LOANS_URL}/loans`, { loanId: 'l1', memberId: 'm1', title: 'Momo', lentAt: '2026-01-02T03:04:05Z' })
  await post(`${MEMBERS_URL}/members`, { memberId: 'm1', name: 'Ana' })
  expect(await stack.tributary(['wait'])).toMatchObject({ code: 0 })
  const found = (await (await fetch(`${ELASTICSEARCH_URL}/loans/_doc/l1`)).json()) as { _source: unknown }
  expect(found._source).toMatchObject({ title: 'Momo', member: 'Ana', lentAt: '2026-01-02T03:04:05.000Z' })
  expect(await stack.tributary(['verify'])).toMatchObject({ code: 0 })
}, 120_000)
