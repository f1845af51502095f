/** What an order can be, in the spelling of the read models. */
export const statuses = [
  'created',
  'approved',
  'invoiced',
  'processing',
  'shipped',
  'delivered',
  'canceled',
  'unavailable',
] as const
export type Status = (typeof statuses)[number]

/**
 * From where each status may be reached. Nothing follows canceled and unavailable. Canceling and running out are legal at any time. Shipping tells what has
 * happened already, so it is believed whatever the paperwork says: orders do get shipped that nobody approved.
 */
export const reachableFrom: Readonly<Record<Status, readonly Status[]>> = {
  created: [],
  approved: ['created'],
  invoiced: ['approved', 'processing'],
  processing: ['approved', 'invoiced'],
  shipped: ['created', 'approved', 'invoiced', 'processing'],
  delivered: ['created', 'approved', 'invoiced', 'processing', 'shipped'],
  canceled: ['created', 'approved', 'invoiced', 'processing', 'shipped', 'delivered'],
  unavailable: ['created', 'approved', 'invoiced', 'processing', 'shipped', 'delivered'],
}
