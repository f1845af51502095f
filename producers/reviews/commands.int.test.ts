import type { Knex } from 'knex'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Databases, freshId, openDatabases } from '../../tests/harness/databases.ts'
import { withdrawReview, writeReview } from './commands.ts'

let databases: Databases
let db: Knex
beforeAll(async () => {
  databases = await openDatabases()
  db = await databases.service('reviews')
})
afterAll(() => databases[Symbol.asyncDispose]())

const write = (orderId: string, reviewId: string) => {
  const review = { orderId, reviewId, score: 5, title: null, comment: null, createdAt: 1 }
  return db.transaction((trx) => writeReview(trx, review))
}

test('a review of the same id is refused', async () => {
  const orderId = freshId('o')
  await write(orderId, 'r')
  await expect(write(orderId, 'r')).rejects.toMatchObject({ status: 409, code: 'review_exists' })
})

test('an order has a hundred reviews at most', async () => {
  const orderId = freshId('o')
  for (let i = 0; i < 100; i++) await write(orderId, `r${i}`)
  await expect(write(orderId, 'one more')).rejects.toMatchObject({ status: 409, code: 'too_many_reviews' })
  await db.transaction((trx) => withdrawReview(trx, orderId, 'r7'))
  await write(orderId, 'one more')
})
