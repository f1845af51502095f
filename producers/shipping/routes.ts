import type { Api } from 'tributary/service'
import { z } from 'zod'
import { instant, msOrNull, orderId, sellerId, shipmentId } from '#schemas/values.ts'
import { deliverShipment, findShipment, prepareShipment, shipShipment } from './commands.ts'

const params = z.object({ shipmentId })

export function shippingRoutes(api: Api): void {
  api.post('/shipments', {
    summary: 'Prepare what one seller sends for an order',
    body: z.strictObject({ orderId, sellerId: sellerId.nullable() }),
    status: 201,
    run: (trx, { body }) => prepareShipment(trx, body.orderId, body.sellerId),
  })
  api.post('/shipments/:shipmentId/ship', {
    summary: 'Hand it to the carrier',
    params,
    body: z.strictObject({ shippedAt: instant.nullable() }),
    run: (trx, { params, body }) => shipShipment(trx, params.shipmentId, msOrNull(body.shippedAt)),
  })
  api.post('/shipments/:shipmentId/deliver', {
    summary: 'The customer has it',
    params,
    body: z.strictObject({ deliveredAt: instant.nullable() }),
    run: (trx, { params, body }) => deliverShipment(trx, params.shipmentId, msOrNull(body.deliveredAt)),
  })
  api.get('/shipments/:shipmentId', {
    summary: 'A shipment',
    params,
    run: (db, { params }) => findShipment(db, params.shipmentId),
  })
}
