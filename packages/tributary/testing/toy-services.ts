import { z } from 'zod'
import { contract } from '#contracts/contract'
import { eventsTopic, rowsTopic } from '#contracts/topic'
import { type Topology, topology } from '#engine'
import { subscription } from '#inbox/subscription'
import { publish, publishes } from '#outbox/outbox'
import type { ServiceDefinition } from '#service/definition'
import { conflict, notFound } from '#service/refusal'

/** Two services without a business, for the tests of what tests services: boxes, and a count of those that were opened; and topologies. */

const record = <T>(namespace: string, name: string, fields: readonly unknown[]) =>
  contract<T>({ type: 'record', namespace, name, fields })

const BoxMade = record<{ boxId: string; lid: string | null }>('toys.boxes', 'BoxMade', [
  { name: 'boxId', type: 'string' },
  { name: 'lid', type: ['null', 'string'], default: null },
])
const BoxOpened = record<{ boxId: string; openedAt: number }>('toys.boxes', 'BoxOpened', [
  { name: 'boxId', type: 'string' },
  { name: 'openedAt', type: { type: 'long', logicalType: 'timestamp-millis' } },
])
const ManyOpened = record<{ count: number }>('toys.counts', 'ManyOpened', [{ name: 'count', type: 'int' }])

export interface BoxRow {
  readonly boxId: string
  readonly lid: string | null
  readonly openedAt: number | null
}
const BoxRow = record<BoxRow>('toys.rows', 'BoxRow', [
  { name: 'boxId', type: 'string' },
  { name: 'lid', type: ['null', 'string'], default: null },
  { name: 'openedAt', type: ['null', { type: 'long', logicalType: 'timestamp-millis' }], default: null },
])
export interface LidRow {
  readonly lid: string
  readonly boxes: number
  readonly opened: number
}
const LidRow = record<LidRow>('toys.rows', 'LidRow', [
  { name: 'lid', type: 'string' },
  { name: 'boxes', type: 'int' },
  { name: 'opened', type: 'int' },
])

export const Boxes = eventsTopic('boxes', { BoxMade, BoxOpened })
export const Counts = eventsTopic('counts', { ManyOpened })
export const BoxRows = rowsTopic('boxes', BoxRow, { key: ({ boxId }) => boxId })
export const LidRows = rowsTopic('lids', LidRow, { key: ({ lid }) => lid })

/** Each box as it is: with its last lid, and when it was opened since. */
export const boxesTopology: Topology = topology('boxes', ({ events }) =>
  events(Boxes)
    .evolve<BoxRow>({
      BoxMade: (_, { boxId, lid }) => ({ boxId, lid, openedAt: null }),
      BoxOpened: (box, { openedAt }) => box && { ...box, openedAt },
    })
    .to(BoxRows),
)

/** How many boxes each lid is on. */
export const lidsTopology: Topology = topology('lids', ({ table }) =>
  table(BoxRows)
    .groupBy(({ lid }) => lid)
    .summarise((a) => ({ boxes: a.count(), opened: a.count(({ openedAt }) => openedAt !== null) }))
    .map((figures, lid) => ({ lid, ...figures }))
    .to(LidRows),
)

const box = { aggregate: 'box', key: ({ boxId }: { boxId: string }) => boxId }

export const boxes: ServiceDefinition = {
  name: 'boxes',
  description: 'Boxes, and whether they are open.',
  migrations: [
    {
      name: 'boxes/001_boxes',
      up: (db) =>
        db.schema.createTable('boxes', (table) => {
          table.text('box_id').primary()
          table.text('lid')
          table.timestamp('opened_at', { useTz: true })
        }),
    },
  ],
  publishes: publishes(Boxes, { BoxMade: box, BoxOpened: { ...box, at: ({ openedAt }) => openedAt } }),
  subscriptions: [],
  routes(api) {
    api.post('/boxes', {
      summary: 'Make a box',
      body: z.strictObject({ boxId: z.string(), lid: z.string().nullable() }),
      status: 201,
      async run(trx, { body }) {
        const made = await trx('boxes')
          .insert({ box_id: body.boxId, lid: body.lid })
          .onConflict()
          .ignore()
          .returning('*')
        if (made.length === 0) throw conflict('box_exists', `there is a box "${body.boxId}" already`)
        await publish(trx, BoxMade, body)
        return body
      },
    })
    api.get('/boxes/:boxId', {
      summary: 'Look at a box',
      params: z.object({ boxId: z.string() }),
      async run(db, { params: { boxId } }) {
        const found = await db('boxes').where({ box_id: boxId }).first()
        if (!found) throw notFound('unknown_box', `there is no box "${boxId}"`)
        return { boxId, lid: found.lid }
      },
    })
  },
}

export const counts: ServiceDefinition = {
  name: 'counts',
  description: 'How many boxes were opened.',
  migrations: [
    { name: 'counts/001_opened', up: (db) => db.schema.createTable('opened', (table) => void table.text('box_id')) },
  ],
  publishes: publishes(Counts, { ManyOpened: { aggregate: 'count', key: () => 'all' } }),
  subscriptions: [
    subscription(Boxes, {
      BoxOpened: async (trx, { boxId }, { republished }) => {
        if (boxId === 'stuck') throw new Error('it is stuck')
        if (republished) return
        await trx('opened').insert({ box_id: boxId })
        const [row] = await trx('opened').count('* as count')
        await publish(trx, ManyOpened, { count: Number(row!.count) })
      },
    }),
  ],
  routes() {},
}
