import type { Status } from './marketplace.ts'
import type { Command } from './script.ts'

/** A command that comes where the business forbids it. */
export class IllegalStep extends Error {
  override readonly name = 'IllegalStep'
}

/** From where a command leads an order to where; what isn't listed leaves the status as it is. */
const steps: Partial<Record<Command['kind'], { from: readonly (Status | undefined)[]; to: Status }>> = {
  place: { from: [undefined], to: 'created' },
  approve: { from: ['created'], to: 'approved' },
  invoice: { from: ['approved'], to: 'invoiced' },
  process: { from: ['approved', 'invoiced'], to: 'processing' },
  cancel: { from: ['created', 'approved', 'invoiced', 'processing', 'shipped', 'delivered'], to: 'canceled' },
  unavailable: { from: ['created', 'approved', 'invoiced', 'processing', 'shipped', 'delivered'], to: 'unavailable' },
}

/**
 * The status an order ends with once the services have carried out its commands and learned of one another: by the
 * rules of the business, told apart from the services so that a script can be checked without them.
 * @throws IllegalStep
 */
export function statusAfter(commands: readonly Command[]): Status | undefined {
  let status: Status | undefined
  const shipments = { prepared: 0, shipped: 0, delivered: 0 }
  for (const { kind, path } of commands) {
    const refuse = (why: string) => new IllegalStep(`${kind} (${path}) ${why}`)
    if (kind !== 'place' && status === undefined) throw refuse('comes before the order is placed')
    if (status === 'canceled' || status === 'unavailable') throw refuse(`comes after the order is ${status}`)
    if (kind === 'prepare') {
      if (shipments.shipped > 0) throw refuse('comes after a shipment of the order was shipped')
      shipments.prepared++
    } else if (kind === 'ship') {
      if (++shipments.shipped > shipments.prepared) throw refuse('comes before the shipment is prepared')
      status = 'shipped'
    } else if (kind === 'deliver') {
      if (++shipments.delivered > shipments.shipped) throw refuse('comes before the shipment is shipped')
      if (shipments.delivered === shipments.prepared) status = 'delivered'
    } else {
      const step = steps[kind]
      if (step === undefined) continue
      if (!step.from.includes(status)) throw refuse(`is not legal for an order that is ${status}`)
      status = step.to
    }
  }
  return status
}
