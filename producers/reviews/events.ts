import { publishes } from 'tributary/outbox'
import { reviewKey } from '#schemas/keys.ts'
import { Reviews } from '#schemas/topics.ts'

const review = {
  aggregate: 'review',
  key: (e: { orderId: string; reviewId: string }) => reviewKey(e.orderId, e.reviewId),
}

export const reviewsEvents = publishes(Reviews, {
  ReviewWritten: { ...review, at: (e) => e.createdAt },
  ReviewAnswered: { ...review, at: (e) => e.answeredAt },
  ReviewWithdrawn: review,
})
