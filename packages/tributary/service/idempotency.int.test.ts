import type { Knex } from 'knex'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Databases, freshId, openDatabases } from '../../../tests/harness/databases.ts'
import { fingerprint, once, purgeIdempotencyKeys } from './idempotency.ts'
import { conflict } from './refusal.ts'

let databases: Databases
let db: Knex
beforeAll(async () => {
  databases = await openDatabases()
  db = await databases.service('customers')
})
afterAll(() => databases[Symbol.asyncDispose]())

const keyOf = (key: string, body: unknown = { a: 1 }) => ({
  key,
  fingerprint: fingerprint('POST', '/things', {}, body),
})
const insertCustomer = (trx: Knex.Transaction, customer_id: string) =>
  trx('customers').insert({ customer_id, unique_id: 'u', zip: '1', city: 'c', state: 's' })

test('a repeated request gets the first answer and changes nothing again', async () => {
  const key = keyOf(freshId('key'))
  let runs = 0
  const command = async (trx: Knex.Transaction) => {
    await insertCustomer(trx, freshId('c'))
    return { status: 201, body: { run: ++runs } }
  }
  const before = await db('customers').count()
  const first = await once(db, key, command)
  const second = await once(db, key, command)
  expect(first).toEqual({ status: 201, body: { run: 1 } })
  expect(second).toEqual(first)
  const [{ count: after }] = (await db('customers').count()) as [{ count: number }]
  expect(after).toBe(Number(before[0]!.count) + 1)
})

test('the same key with another body is refused with 422', async () => {
  const key = freshId('key')
  await once(db, keyOf(key), async () => ({ status: 200, body: {} }))
  await expect(once(db, keyOf(key, { a: 2 }), async () => ({ status: 200, body: {} }))).rejects.toMatchObject({
    status: 422,
    code: 'key_reused',
  })
})

test('of many at once with the same key, one takes effect and all get its answer', async () => {
  const key = keyOf(freshId('key'))
  const unique = freshId('person')
  let runs = 0
  const answers = await Promise.all(
    Array.from({ length: 8 }, () =>
      once(db, key, async (trx) => {
        await trx('customers').insert({ customer_id: freshId('c'), unique_id: unique, zip: '1', city: 'c', state: 's' })
        return { status: 201, body: { run: ++runs } }
      }),
    ),
  )
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
  expect(await db('customers').where({ unique_id: unique })).toHaveLength(1)
})

test('a refusal is not remembered: the same request may succeed later', async () => {
  const key = keyOf(freshId('key'))
  await expect(once(db, key, () => Promise.reject(conflict('x', 'not now')))).rejects.toThrow('not now')
  expect(await once(db, key, async () => ({ status: 200, body: 'yes' }))).toEqual({ status: 200, body: 'yes' })
})

test('the same JSON value is the same request, however it is written; another value or place is not', async () => {
  const same = ['{"a":1,"b":["é",1.0]}', '{ "b": ["\\u00e9", 1e0], "a": 1 }'].map((text) => JSON.parse(text))
  const key = freshId('key')
  const ask = (method: string, route: string, params: object, body: unknown) =>
    once(db, { key, fingerprint: fingerprint(method, route, params, body) }, async () => ({
      status: 200,
      body: 'first',
    }))
  for (const body of same) expect(await ask('PUT', '/things/:id', { id: 'x' }, body)).toMatchObject({ body: 'first' })
  for (const [method, route, params, body] of [
    ['POST', '/things/:id', { id: 'x' }, same[0]],
    ['PUT', '/others/:id', { id: 'x' }, same[0]],
    ['PUT', '/things/:id', { id: 'y' }, same[0]],
    ['PUT', '/things/:id', { id: 'x' }, { a: 1, b: [1, 'é'] }],
    ['PUT', '/things/:id', { id: 'x' }, undefined],
  ] as const) {
    await expect(ask(method, route, params, body)).rejects.toMatchObject({ status: 422, code: 'key_reused' })
  }
})

test('of many at once with the same key and other bodies, one takes effect and the others are refused', async () => {
  const key = freshId('key')
  const people = Array.from({ length: 8 }, () => freshId('person'))
  const answers = await Promise.allSettled(
    people.map((unique) =>
      once(db, keyOf(key, { unique }), async (trx) => {
        await trx('customers').insert({ customer_id: freshId('c'), unique_id: unique, zip: '1', city: 'c', state: 's' })
        return { status: 201, body: { unique } }
      }),
    ),
  )
  const done = answers.filter((answer) => answer.status === 'fulfilled')
  const refused = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason.code] : []))
  expect(done).toHaveLength(1)
  expect(new Set(refused)).toEqual(new Set(['key_reused']))
  expect(await db('customers').whereIn('unique_id', people)).toHaveLength(1)
})

test('old keys are forgotten, young ones kept', async () => {
  const [old, young] = [freshId('key'), freshId('key')]
  for (const key of [old, young]) await once(db, keyOf(key), async () => ({ status: 200, body: {} }))
  await db('idempotency_keys')
    .where({ key: old })
    .update({ created_at: new Date(Date.now() - 8 * 86_400_000) })
  expect(await purgeIdempotencyKeys(db)).toBeGreaterThanOrEqual(1)
  const left = await db('idempotency_keys').whereIn('key', [old, young]).pluck('key')
  expect(left).toEqual([young])
})
