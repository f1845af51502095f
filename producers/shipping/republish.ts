import { publish, type Republishable } from 'tributary/outbox'
import { ShipmentDelivered, ShipmentPrepared, ShipmentShipped } from '#schemas/contracts.generated.ts'
import type { ShipmentStatus } from './commands.ts'

interface ShipmentRecord {
  readonly shipment_id: string
  readonly order_id: string
  readonly seller_id: string | null
  readonly status: ShipmentStatus
  readonly shipped_at: Date | null
  readonly delivered_at: Date | null
}

export const republish: readonly Republishable[] = [
  {
    kind: 'shipment',
    table: 'shipments',
    key: ['shipment_id'],
    async rebuild(trx, { shipment_id, order_id, seller_id, status, shipped_at, delivered_at }: ShipmentRecord) {
      const shipment = { shipmentId: shipment_id, orderId: order_id, sellerId: seller_id }
      await publish(trx, ShipmentPrepared, shipment)
      if (status === 'prepared') return
      await publish(trx, ShipmentShipped, { ...shipment, shippedAt: msOrNull(shipped_at) })
      if (status === 'shipped') return
      await publish(trx, ShipmentDelivered, { ...shipment, deliveredAt: msOrNull(delivered_at) })
    },
  },
]

const msOrNull = (at: Date | null) => (at === null ? null : at.getTime())
