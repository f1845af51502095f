import { publishes } from 'tributary/outbox'
import { Reviews } from '#schemas/topics.ts'

const review = { aggregate: 'review' }

export const reviewsEvents = publishes(Reviews, {
  ReviewWritten: { ...review, at: (e) => e.createdAt },
  ReviewAnswered: { ...review, at: (e) => e.answeredAt },
  ReviewWithdrawn: review,
})
