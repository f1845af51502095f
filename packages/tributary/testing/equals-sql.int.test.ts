import { expect, test } from 'vitest'
import { topology } from '#engine'
import { equalsSql } from './sql.ts'
import { Boxes, type BoxRow, BoxRows, boxes, boxesTopology, lidsTopology } from './toy-services.ts'

/** Each box as it was made last, and when it was opened last since. */
const boxesSql = `
  select made.key, made."boxId", made.lid, opened."openedAt"
  from (select distinct on (key) * from "BoxMade" order by key, seq desc) made
  left join lateral (
    select "openedAt" from boxes."BoxOpened" o where o.key = made.key and o.seq > made.seq order by seq desc limit 1
  ) opened on true`

test('a topology whose rows are what the SQL gives passes, whatever happened in whatever order', async () => {
  await equalsSql(boxesTopology, { services: [boxes], sql: boxesSql })
})

test('topologies that read one another are compared by what the last one writes', async () => {
  const closed = topology('closed', ({ events }) =>
    events(Boxes)
      .evolve<BoxRow>({
        BoxMade: (_, { boxId, lid }) => ({ boxId, lid, openedAt: null }),
        BoxOpened: () => null,
      })
      .to(BoxRows),
  )
  await equalsSql([closed, lidsTopology], {
    services: [boxes],
    sql: `select lid as key, lid, count(*) as boxes, 0 as opened
          from (${boxesSql}) box where "openedAt" is null and lid is not null group by lid`,
  })
})

const forgetful = topology('forgetful', ({ events }) =>
  events(Boxes)
    .evolve<BoxRow>({
      BoxMade: (box, { boxId, lid }) => box ?? { boxId, lid, openedAt: null },
      BoxOpened: (box, { openedAt }) => box && { ...box, openedAt },
    })
    .to(BoxRows),
)

test('a topology that differs fails with a short history, what differs, and how to see it again', async () => {
  const options = { services: [boxes], sql: boxesSql }
  const failed = await failureOf(equalsSql(forgetful, { ...options, seed: 7 }))
  expect(failed.name).toBe('AssertionError')
  const lines = failed.message.split('\n')
  const [, events] = /^SQL and topology differ after ([23]) events, worked off by 1 worker:$/.exec(lines[0]!)!
  const at = 1 + Number(events)
  for (const line of lines.slice(1, at)) expect(line).toMatch(/^ {2}boxes\.events "a" Box/)
  expect(lines[at]).toMatch(/^"a" is (changed: (lid|openedAt)|missing)/)
  expect(lines[at + 1]).toMatch(/^ {2}SQL: {6}\{"boxId":"a"/)
  const [, seed, path] = /\{ seed: (-?\d+), path: '([\d:]+)' \}/.exec(failed.message)!
  const again = await failureOf(equalsSql(forgetful, { ...options, seed: Number(seed), path: path! }))
  expect(again.message.split('\n').slice(0, at + 2)).toEqual(lines.slice(0, at + 2))
})

test('what no service would publish does not happen', async () => {
  await equalsSql(forgetful, {
    services: [boxes],
    sql: boxesSql,
    possible: (earlier, { name }) => (name === 'BoxMade' ? earlier.length === 0 : earlier.length > 0),
  })
})

test('an event may be told what it says after the earlier ones', async () => {
  await equalsSql(boxesTopology, {
    services: [boxes],
    sql: `select distinct on (key) key, "boxId", 'first' as lid, null as "openedAt" from "BoxMade" order by key, seq`,
    possible: (_, { name, data }) => name === 'BoxMade' && { ...(data as object), lid: 'first' },
  })
})

test('fields may be told their values', async () => {
  const failed = await failureOf(
    equalsSql(boxesTopology, { services: [boxes], sql: 'select null as key where false', values: { boxId: ['only'] } }),
  )
  expect(failed.message).toMatch(/after 1 event, .*\n {2}boxes\.events "only" BoxMade .*\n"only" is extra/)
})

test('a topology that sets something aside differs', async () => {
  const failing = topology('failing', ({ events }) =>
    events(Boxes)
      .evolve<BoxRow>({
        BoxMade: (_, { boxId, lid }) => {
          if (lid !== null) throw new Error('no lids')
          return { boxId, lid, openedAt: null }
        },
        BoxOpened: (box, { openedAt }) => box && { ...box, openedAt },
      })
      .to(BoxRows),
  )
  const failed = await failureOf(equalsSql(failing, { services: [boxes], sql: boxesSql }))
  expect(failed.message).toContain('"a" was set aside by boxes: no lids')
})

test('faults of the test itself are named as such', async () => {
  const services = [boxes]
  await expect(equalsSql(boxesTopology, { services, sql: 'select nothing' })).rejects.toThrow(
    'column "nothing" does not exist',
  )
  await expect(equalsSql(boxesTopology, { services: [], sql: boxesSql })).rejects.toThrow(
    'topology "boxes" reads "boxes.events", which none of `services` publishes',
  )
  await expect(equalsSql(lidsTopology, { services, sql: boxesSql })).rejects.toThrow(
    'topology "lids" reads "boxes.rows.1", which no topology before it writes',
  )
})

async function failureOf(work: Promise<unknown>): Promise<Error> {
  return work.then(
    () => {
      throw new Error('it should have failed')
    },
    (error) => error,
  )
}
