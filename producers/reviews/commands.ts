import type { Knex } from 'knex'
import type { Plain } from 'tributary/contracts'
import { publish } from 'tributary/outbox'
import { listRuleOf } from 'tributary/rules'
import { conflict, notFound } from 'tributary/service'
import { ReviewAnswered, ReviewWithdrawn, ReviewWritten } from '#schemas/contracts.generated.ts'

const { most, because } = listRuleOf('reviews')!

/** Takes a review of any order. 409 when this order has a review of this id already, or too many others. */
export async function writeReview(trx: Knex.Transaction, review: Plain<ReviewWritten>): Promise<Plain<ReviewWritten>> {
  const { orderId, reviewId, score, title, comment, createdAt } = review
  const others = await trx('reviews').where({ order_id: orderId }).limit(most).select(trx.raw('1'))
  if (others.length === most) {
    throw conflict(
      'too_many_reviews',
      `order "${orderId}" has ${most} reviews already, no more are possible: ${because}`,
    )
  }
  const inserted = await trx('reviews')
    .insert({
      order_id: orderId,
      review_id: reviewId,
      score,
      title,
      comment,
      created_at: new Date(createdAt),
    })
    .onConflict(['order_id', 'review_id'])
    .ignore()
    .returning('review_id')
  if (inserted.length === 0) throw conflict('review_exists', `order "${orderId}" has review "${reviewId}" already`)
  await publish(trx, ReviewWritten, review)
  return review
}

/** The review was answered, at `answeredAt` (ms); a later answer takes the place of an earlier one. */
export async function answerReview(
  trx: Knex.Transaction,
  orderId: string,
  reviewId: string,
  answeredAt: number,
): Promise<Plain<ReviewAnswered>> {
  const updated = await trx('reviews')
    .where({ order_id: orderId, review_id: reviewId })
    .update({ answered_at: new Date(answeredAt) })
  if (updated === 0) throw unknownReview(orderId, reviewId)
  await publish(trx, ReviewAnswered, { orderId, reviewId, answeredAt })
  return { orderId, reviewId, answeredAt }
}

/** Takes a review back; it no longer counts. 404 when there is no such review. */
export async function withdrawReview(
  trx: Knex.Transaction,
  orderId: string,
  reviewId: string,
): Promise<Plain<ReviewWithdrawn>> {
  const withdrawn = await trx('reviews').where({ order_id: orderId, review_id: reviewId }).delete()
  if (withdrawn === 0) throw unknownReview(orderId, reviewId)
  await publish(trx, ReviewWithdrawn, { orderId, reviewId })
  return { orderId, reviewId }
}

/** 404 when there is no such review. */
export async function findReview(db: Knex, orderId: string, reviewId: string) {
  const found = await db('reviews').where({ order_id: orderId, review_id: reviewId }).first({
    orderId: 'order_id',
    reviewId: 'review_id',
    score: 'score',
    title: 'title',
    comment: 'comment',
    createdAt: 'created_at',
    answeredAt: 'answered_at',
  })
  if (!found) throw unknownReview(orderId, reviewId)
  return found
}

const unknownReview = (orderId: string, reviewId: string) =>
  notFound('unknown_review', `order "${orderId}" has no review "${reviewId}"`)
