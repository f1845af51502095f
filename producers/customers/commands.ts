import type { Knex } from 'knex'
import { publish, publishTombstone } from 'tributary/outbox'
import { conflict, notFound } from 'tributary/service'
import { CustomerMoved, CustomerRegistered } from '#schemas/contracts.generated.ts'
import { CUSTOMER_ERASED } from './events.ts'

export interface Address {
  readonly zip: string
  readonly city: string
  readonly state: string
}

export interface NewCustomer extends Address {
  readonly customerId: string
  /** The person. */
  readonly uniqueId: string
}

/** Registers a customer id. 409 when it exists. */
export async function registerCustomer(trx: Knex.Transaction, customer: NewCustomer): Promise<NewCustomer> {
  const { customerId, uniqueId, zip, city, state } = customer
  const inserted = await trx('customers')
    .insert({ customer_id: customerId, unique_id: uniqueId, zip, city, state })
    .onConflict('customer_id')
    .ignore()
    .returning('customer_id')
  if (inserted.length === 0) throw conflict('customer_exists', `customer "${customerId}" is registered already`)
  await publish(trx, CustomerRegistered, { customerId, uniqueId, zip, city, state })
  return customer
}

/** Gives a customer another address. 404 when there is no such customer. */
export async function moveCustomer(trx: Knex.Transaction, customerId: string, address: Address): Promise<NewCustomer> {
  const { zip, city, state } = address
  const [moved] = await trx('customers')
    .where({ customer_id: customerId })
    .update({ zip, city, state })
    .returning('unique_id as uniqueId')
  if (!moved) throw unknownCustomer(customerId)
  await publish(trx, CustomerMoved, { customerId, zip, city, state })
  return { customerId, uniqueId: moved.uniqueId, zip, city, state }
}

/** Erases a customer for good: the topic gets a tombstone. 404 when there is no such customer. */
export async function eraseCustomer(trx: Knex.Transaction, customerId: string): Promise<{ customerId: string }> {
  const erased = await trx('customers').where({ customer_id: customerId }).delete()
  if (erased === 0) throw unknownCustomer(customerId)
  await publishTombstone(trx, CUSTOMER_ERASED, 'customer', customerId)
  return { customerId }
}

/** A customer as registered and moved. 404 when there is no such customer. */
export async function findCustomer(db: Knex, customerId: string): Promise<NewCustomer> {
  const found = await db('customers')
    .where({ customer_id: customerId })
    .first('customer_id as customerId', 'unique_id as uniqueId', 'zip', 'city', 'state')
  if (!found) throw unknownCustomer(customerId)
  return found
}

const unknownCustomer = (customerId: string) => notFound('unknown_customer', `there is no customer "${customerId}"`)
