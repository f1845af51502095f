import { beforeAll, describe, expect, test } from 'vitest'
import { connectStack } from '#testing/stack'
import { OrderCanceled } from '../../../schemas/contracts.generated.ts'
import { contracts } from '../../../tests/harness/marketplace.ts'
import { openCodec } from './codec.ts'
import { contract } from './contract.ts'
import { SchemaNotRegistered, UnknownSchemaId } from './errors.ts'
import { checkSchemas, IncompatibleSchema, registerSchemas } from './register.ts'

const { registry: registryUrl } = connectStack().urls

/** A schema of this test run's own: subjects outlive a test. */
function thing(name: string, ...fields: object[]) {
  return contract<{ id: string; note?: string | null }>({
    type: 'record',
    namespace: 'test.registry',
    name,
    fields: [{ name: 'id', type: 'string' }, ...fields],
  } as never)
}
const note = { name: 'note', type: ['null', 'string'], default: null }
const must = { name: 'must', type: 'string' }

beforeAll(async () => {
  await registerSchemas(registryUrl, contracts)
})

describe('registration', () => {
  test('may be repeated, and then finds everything registered', async () => {
    await registerSchemas(registryUrl, contracts)
    const states = await checkSchemas(registryUrl, contracts)
    expect(states.map((state) => state.state)).toEqual(contracts.map(() => 'registered'))
  })

  test('takes a change that old and new readers survive, and says so beforehand', async () => {
    const [v1, v2] = [thing('Grows'), thing('Grows', note)]
    await registerSchemas(registryUrl, [v1])
    expect(await checkSchemas(registryUrl, [v2])).toMatchObject([
      { state: 'changed', newReadersSurvive: true, oldReadersSurvive: true },
    ])
    await registerSchemas(registryUrl, [v2])
    expect(await checkSchemas(registryUrl, [v2])).toMatchObject([{ state: 'registered' }])
  })

  test('says that the values of a renamed field will be read as null, though every reader survives', async () => {
    const [v1, v2] = [thing('Renames', note), thing('Renames', { ...note, name: 'remark' })]
    await registerSchemas(registryUrl, [v1])
    expect(await checkSchemas(registryUrl, [v2])).toMatchObject([
      {
        newReadersSurvive: true,
        oldReadersSurvive: true,
        losses: [expect.stringMatching(/^of version 1: "remark" reads as null there, and "note" is read no more/)],
      },
    ])
    const v3 = thing('Renames', { ...note, name: 'remark', aliases: ['note'] })
    expect(await checkSchemas(registryUrl, [v3])).toMatchObject([{ losses: [] }])
  })

  test('refuses an incompatible change, names it, and registers nothing of what came with it', async () => {
    const [v1, v2] = [thing('Breaks'), thing('Breaks', must)]
    await registerSchemas(registryUrl, [v1])
    expect(await checkSchemas(registryUrl, [v2])).toMatchObject([
      { state: 'changed', newReadersSurvive: false, oldReadersSurvive: true },
    ])
    const innocent = thing('ComesAlong')
    const refused = registerSchemas(registryUrl, [innocent, v2])
    await expect(refused).rejects.toThrow(IncompatibleSchema)
    await expect(refused).rejects.toThrow(/test\.registry\.Breaks.*must/)
    expect(await checkSchemas(registryUrl, [innocent])).toMatchObject([{ state: 'missing' }])
  })

  test('is FULL_TRANSITIVE in the registry itself, which refuses an incompatible schema whoever sends it', async () => {
    const response = await fetch(`${registryUrl}/subjects/${OrderCanceled.name}/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({
        schema: JSON.stringify({ ...OrderCanceled.schema, fields: [{ name: 'orderId', type: 'string' }, must] }),
      }),
    })
    expect(response.status).toBe(409)
    const level = await fetch(`${registryUrl}/config/${OrderCanceled.name}`)
    expect(await level.json()).toMatchObject({ compatibilityLevel: 'FULL_TRANSITIVE' })
  })
})

describe('a codec on the registry', () => {
  test('reads what another one wrote once it has learned the id', async () => {
    const [writer, reader] = [
      await openCodec({ registry: registryUrl, contracts }),
      await openCodec({ registry: registryUrl, contracts }),
    ]
    await writer.prepare([OrderCanceled])
    const bytes = writer.encode(OrderCanceled, { orderId: 'o1' })
    expect(() => reader.decode(bytes)).toThrow(UnknownSchemaId)
    await reader.learn(bytes.readUInt32BE(1))
    expect(reader.decode(bytes)).toEqual({ name: OrderCanceled.name, value: { orderId: 'o1' } })
  })

  test('registers nothing in passing', async () => {
    const unregistered = thing('Unregistered')
    const codec = await openCodec({ registry: registryUrl, contracts })
    await expect(codec.prepare([unregistered])).rejects.toThrow(SchemaNotRegistered)
    expect(await checkSchemas(registryUrl, [unregistered])).toMatchObject([{ state: 'missing' }])
  })

  test('takes an id nobody knows, and one of a schema that is not Avro, for unknown', async () => {
    const codec = await openCodec({ registry: registryUrl, contracts })
    await expect(codec.learn(2_000_000_000)).rejects.toThrow(UnknownSchemaId)
    const response = await fetch(`${registryUrl}/subjects/test.registry.Protobuf/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ schemaType: 'PROTOBUF', schema: 'syntax = "proto3"; message A { string a = 1; }' }),
    })
    expect(response.status).toBe(200)
    const { id } = (await response.json()) as { id: number }
    await expect(codec.learn(id)).rejects.toThrow(UnknownSchemaId)
  })
})
