import { publishes } from 'tributary/outbox'
import { Shipping } from '#schemas/topics.ts'

const shipment = { aggregate: 'shipment' }

export const shippingEvents = publishes(Shipping, {
  ShipmentPrepared: shipment,
  ShipmentShipped: { ...shipment, at: (e) => e.shippedAt },
  ShipmentDelivered: { ...shipment, at: (e) => e.deliveredAt },
})
