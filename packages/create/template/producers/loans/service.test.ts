import { event } from 'tributary/testing'
import { type ScratchService, scratchService } from 'tributary/testing/service'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Loans } from '#schemas/topics.ts'
import { service } from './service.ts'

let loans: ScratchService
beforeAll(async () => {
  loans = await scratchService(service)
})
afterAll(() => loans?.stop())

const lend = (loanId: string) =>
  loans.post('/loans', { loanId, memberId: 'm1', title: 'Momo', lentAt: '2026-01-02T03:04:05Z' })

test('lending a book says so, once', async () => {
  expect(await lend('l1')).toMatchObject({ status: 201 })
  expect(await lend('l1')).toMatchObject({ status: 409, body: { code: 'loan_exists' } })
  const lentAt = Date.parse('2026-01-02T03:04:05Z')
  expect(await loans.published()).toEqual([
    event(Loans, 'BookLent', 'l1', { loanId: 'l1', memberId: 'm1', title: 'Momo', lentAt }),
  ])
})

test('what was never lent does not come back', async () => {
  expect(await loans.post('/loans/l2/return', { returnedAt: '2026-02-03T04:05:06Z' })).toMatchObject({ status: 404 })
  expect(await loans.published()).toEqual([])
})
