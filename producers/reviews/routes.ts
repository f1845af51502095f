import type { Api } from 'tributary/service'
import { z } from 'zod'
import { comment, instant, ms, orderId, reviewId, score, title } from '#schemas/values.ts'
import { answerReview, findReview, withdrawReview, writeReview } from './commands.ts'

const NewReview = z.strictObject({
  orderId,
  reviewId,
  score,
  title: title.nullable().default(null),
  comment: comment.nullable().default(null),
  createdAt: instant,
})
const params = z.object({ orderId, reviewId })

export function reviewsRoutes(api: Api): void {
  api.post('/reviews', {
    summary: 'Write a review of an order',
    body: NewReview,
    status: 201,
    run: (trx, { body }) => writeReview(trx, { ...body, createdAt: ms(body.createdAt) }),
  })
  api.post('/reviews/:orderId/:reviewId/answer', {
    summary: 'Answer a review',
    params,
    body: z.strictObject({ answeredAt: instant }),
    run: (trx, { params, body }) => answerReview(trx, params.orderId, params.reviewId, ms(body.answeredAt)),
  })
  api.delete('/reviews/:orderId/:reviewId', {
    summary: 'Withdraw a review',
    params,
    run: (trx, { params }) => withdrawReview(trx, params.orderId, params.reviewId),
  })
  api.get('/reviews/:orderId/:reviewId', {
    summary: 'A review',
    params,
    run: (db, { params }) => findReview(db, params.orderId, params.reviewId),
  })
}
