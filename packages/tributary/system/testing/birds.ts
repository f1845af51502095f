import { contract } from '#contracts/contract'
import { eventsTopic, rowsTopic } from '#contracts/topic'
import { topology } from '#engine'
import { readModel } from '#read-models/read-model'
import { defineSystem } from '../system.ts'

const at = { type: 'long', logicalType: 'timestamp-millis' }
const Seen = contract<{ id: string; at: number | null }>({
  type: 'record',
  namespace: 'test',
  name: 'Seen',
  doc: 'Somebody saw it.',
  fields: [
    { name: 'id', type: 'string', doc: 'Of the bird | or the bee.' },
    { name: 'at', type: ['null', at], default: null },
  ],
})
const Birds = eventsTopic('birds', { Seen })
const Bees = eventsTopic('bees', { Seen })
const Rows = rowsTopic('sightings', Seen, { key: ({ id }) => id })
const sql = new URL('file:///none.sql')
const load = () => Promise.reject(new Error('no service is loaded for the catalogue'))

/** Two services, one of which hears of the other, and what is made of their events. */
export const system = defineSystem({
  services: { birds: { publishes: Birds, load }, bees: { publishes: Bees, subscribesTo: [Birds], load } },
  topologies: [
    {
      topology: topology('sightings', ({ events }) =>
        events(Birds)
          .evolve<{ id: string; at: number | null }>({ Seen: (_, { id, at }) => ({ id, at }) })
          .to(Rows),
      ),
    },
  ],
  readModels: [readModel(Rows)],
  verify: {
    tables: sql,
    copied: [{ service: 'birds', table: 'x', columns: 'id' }],
    readModels: { sightings: { sql, of: ['birds'] } },
  },
  reports: [],
})
