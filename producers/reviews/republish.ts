import { publish, type Republishable } from 'tributary/outbox'
import { ReviewAnswered, ReviewWritten } from '#schemas/contracts.generated.ts'

interface ReviewRecord {
  readonly order_id: string
  readonly review_id: string
  readonly score: number
  readonly title: string | null
  readonly comment: string | null
  readonly created_at: Date
  readonly answered_at: Date | null
}

export const republish: readonly Republishable[] = [
  {
    kind: 'review',
    table: 'reviews',
    key: ['order_id', 'review_id'],
    async rebuild(trx, { order_id, review_id, score, title, comment, created_at, answered_at }: ReviewRecord) {
      const review = { orderId: order_id, reviewId: review_id }
      await publish(trx, ReviewWritten, { ...review, score, title, comment, createdAt: created_at.getTime() })
      if (answered_at) await publish(trx, ReviewAnswered, { ...review, answeredAt: answered_at.getTime() })
    },
  },
]
