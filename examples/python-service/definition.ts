import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type AvroSchema, type Contract, contract, eventsTopic } from 'tributary/contracts'
import { subscription } from 'tributary/inbox'
import { publishes } from 'tributary/outbox'
import type { ServiceDefinition } from 'tributary/service'
import { Orders } from '#schemas/topics.ts'

const read = (file: string) => readFileSync(join(import.meta.dirname, file), 'utf8')

export interface PointsGranted {
  readonly customerId: string
  readonly orderId: string
  readonly points: number
  readonly orderedAt: number
}
export const PointsGranted: Contract<PointsGranted> = contract(JSON.parse(read('PointsGranted.avsc')) as AvroSchema)

export const Loyalty = eventsTopic('loyalty', { PointsGranted })

/** What the machine prepares for the service: its database with outbox and inbox, and the logins. The rest is Python. */
export const service: ServiceDefinition = {
  name: 'loyalty',
  description: 'Points that customers get for their orders; written in Python.',
  migrations: [{ name: 'loyalty/001_points', up: async (db) => void (await db.raw(read('schema.sql'))) }],
  publishes: publishes(Loyalty, { PointsGranted: { aggregate: 'points', key: (e) => e.orderId } }),
  subscriptions: [subscription(Orders, {})],
  routes() {},
}
