import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { avroType, codecOn, memoryCodec } from './codec.ts'
import { type Contract, contract } from './contract.ts'
import * as c from './contracts.generated.ts'
import { BadPayload, InvalidValue, SchemaNotRegistered, UnknownSchemaId } from './errors.ts'
import { contracts } from './topics.ts'

const received: c.PaymentReceived = { orderId: 'o1', sequence: 1, type: 'voucher', installments: 0, cents: 4_711 }

async function preparedCodec() {
  const codec = memoryCodec()
  await codec.prepare(contracts)
  return codec
}

describe('the wire format', () => {
  test('is byte 0, the schema id in four bytes, and the Avro binary', async () => {
    const codec = await preparedCodec()
    const bytes = codec.encode(c.PaymentReceived, received)
    const id = contracts.findIndex((known) => known.name === c.PaymentReceived.name) + 1
    expect(bytes[0]).toBe(0)
    expect(bytes.readUInt32BE(1)).toBe(id)
    expect(avroType(c.PaymentReceived.schema).fromBuffer(bytes.subarray(5))).toEqual(received)
  })

  test('every contract reads back whatever it wrote', async () => {
    const codec = await preparedCodec()
    for (const known of contracts) {
      const type = avroType(known.schema)
      fc.assert(
        fc.property(fc.integer(), () => {
          const value = type.random()
          const read = codec.decode(codec.encode(known, value))
          expect(read.name).toBe(known.name)
          expect(type.compare(read.value, value)).toBe(0)
        }),
        { numRuns: 20 },
      )
    }
  })
})

describe('encoding', () => {
  test('refuses a value that misses a field or has one of another type, and names record and field', async () => {
    const codec = await preparedCodec()
    const { cents: _, ...missing } = received
    expect(() => codec.encode(c.PaymentReceived, missing as c.PaymentReceived)).toThrow(
      /tributary\.payments\.PaymentReceived.*cents/,
    )
    expect(() => codec.encode(c.PaymentReceived, { ...received, cents: '12' as never })).toThrow(InvalidValue)
    expect(() => codec.encode(c.PaymentReceived, { ...received, cents: 1.5 })).toThrow(InvalidValue)
  })

  test('refuses a contract that was never prepared', () => {
    expect(() => memoryCodec().encode(c.PaymentReceived, received)).toThrow(SchemaNotRegistered)
  })
})

describe('decoding', () => {
  test('refuses bytes that are no wire format, are cut short, or have bytes left over', async () => {
    const codec = await preparedCodec()
    const bytes = codec.encode(c.PaymentReceived, received)
    expect(() => codec.decode(Buffer.from('garbage!'))).toThrow(BadPayload)
    expect(() => codec.decode(Buffer.alloc(0))).toThrow(BadPayload)
    expect(() => codec.decode(bytes.subarray(0, bytes.length - 1))).toThrow(BadPayload)
    expect(() => codec.decode(Buffer.concat([bytes, Buffer.from([0])]))).toThrow(BadPayload)
  })

  test('says which schema id is unknown, and again when the registry has none either', async () => {
    const codec = memoryCodec()
    const bytes = Buffer.from([0, 0, 0, 0x27, 0x0f, 1])
    expect(() => codec.decode(bytes)).toThrow(new UnknownSchemaId(9_999))
    await expect(codec.learn(9_999)).rejects.toThrow(UnknownSchemaId)
  })

  test('a schema of our name that ours cannot read makes its records bad, not the registry', async () => {
    const ours = contract({
      type: 'record',
      namespace: 'test',
      name: 'Thing',
      fields: [{ name: 'id', type: 'string' }],
    } as Contract<unknown>['schema'])
    const foreign = avroType({ ...ours.schema, fields: [{ name: 'number', type: 'int' }] })
    const codec = codecOn({ idOf: async () => 1, typeOf: async () => foreign }, [ours])
    await codec.learn(2)
    const decode = () => codec.decode(Buffer.from([0, 0, 0, 0, 2, 8]))
    expect(decode).toThrow(BadPayload)
    expect(decode).toThrow('schema id 2 is another test.Thing')
  })

  test('reads an older and a newer writer as our own schema', async () => {
    const ours = contract<{ id: string; note: string | null }>({
      type: 'record',
      namespace: 'test',
      name: 'Thing',
      fields: [
        { name: 'id', type: 'string' },
        { name: 'note', type: ['null', 'string'], default: null },
      ],
    } as Contract<unknown>['schema'])
    const older = avroType({ ...ours.schema, fields: [{ name: 'id', type: 'string' }] })
    const newer = avroType({
      ...ours.schema,
      fields: [...(ours.schema.fields as object[]), { name: 'extra', type: ['null', 'int'], default: null }],
    })
    const codec = codecOn({ idOf: async () => 1, typeOf: async (id) => (id === 2 ? older : newer) }, [ours])
    await codec.learn(2)
    await codec.learn(3)
    const wire = (id: number, body: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, 0, id]), body])
    expect(codec.decode(wire(2, older.toBuffer({ id: 'a' })))).toEqual({
      name: 'test.Thing',
      value: { id: 'a', note: null },
    })
    expect(codec.decode(wire(3, newer.toBuffer({ id: 'b', note: 'n', extra: 7 })))).toEqual({
      name: 'test.Thing',
      value: { id: 'b', note: 'n' },
    })
  })
})
