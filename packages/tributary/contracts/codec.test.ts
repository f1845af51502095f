import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as c from '../../../schemas/contracts.generated.ts'
import { contracts } from '../../../tests/harness/marketplace.ts'
import { avroType, codecOn, memoryCodec } from './codec.ts'
import { type Contract, contract } from './contract.ts'
import { BadPayload, InvalidValue, SchemaNotRegistered, UnknownSchemaId } from './errors.ts'
import type { Plain } from './key.ts'

const received: Plain<c.PaymentReceived> = {
  orderId: 'o1',
  sequence: 1,
  type: 'voucher',
  installments: 0,
  cents: 4_711,
}

async function preparedCodec() {
  const codec = memoryCodec(contracts)
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

  test('refuses a text with half a surrogate pair, wherever it is', async () => {
    const codec = await preparedCodec()
    for (const orderId of ['a\ud800b', `\udc00${'x'.repeat(100)}`]) {
      expect(() => codec.encode(c.PaymentReceived, { ...received, orderId })).toThrow(InvalidValue)
      expect(() => codec.encode(c.PaymentReceived, { ...received, orderId })).toThrow('half a surrogate pair')
    }
  })

  test('refuses a contract that was never prepared', () => {
    expect(() => memoryCodec(contracts).encode(c.PaymentReceived, received)).toThrow(SchemaNotRegistered)
  })
})

describe('a long', () => {
  const any = contract<{ n: number; maybe: number | null; many: number[] }>({
    type: 'record',
    namespace: 'test',
    name: 'Longs',
    fields: [
      { name: 'n', type: 'long' },
      { name: 'maybe', type: ['null', 'long'], default: null },
      { name: 'many', type: { type: 'array', items: { type: 'long', logicalType: 'timestamp-millis' } } },
    ],
  } as Contract<unknown>['schema'])
  const codecOfLongs = async () => {
    const codec = memoryCodec([any])
    await codec.prepare([any])
    return codec
  }
  const edges = [0, 6, 7, 13, 14, 20, 27, 28, 29, 30, 31, 32, 35, 49, 50, 51, 52, 53]
    .flatMap((bits) => [-2, -1, 0, 1, 2].map((step) => 2 ** bits + step))
    .flatMap((n) => [n, -n])
    .filter((n) => Math.abs(n) < Number.MAX_SAFE_INTEGER)
  /** Zigzag and base 128, by the specification. */
  const bytesOf = (n: bigint) => {
    let zigzag = BigInt.asUintN(64, (n << 1n) ^ (n >> 63n))
    const bytes: number[] = []
    do {
      bytes.push(Number(zigzag & 0x7fn) | (zigzag > 0x7fn ? 0x80 : 0))
      zigzag >>= 7n
    } while (zigzag > 0n)
    return bytes
  }

  test('is read as it was written, over the whole range of safe integers', async () => {
    const codec = await codecOfLongs()
    const long = fc
      .oneof(fc.maxSafeInteger(), fc.integer(), fc.constantFrom(...edges))
      .filter((n) => Math.abs(n) < Number.MAX_SAFE_INTEGER)
      // There is no -0 in Avro.
      .map((n) => n + 0)
    fc.assert(
      fc.property(long, fc.option(long), fc.array(long), (n, maybe, many) => {
        const value = { n, maybe, many }
        expect(codec.decode(codec.encode(any, value)).value).toEqual(value)
      }),
      { numRuns: 10_000 },
    )
  })

  test('has the bytes that the specification says', async () => {
    const codec = await codecOfLongs()
    for (const n of edges) {
      const encoded = codec.encode(any, { n, maybe: null, many: [] })
      expect([...encoded.subarray(5, -2)], String(n)).toEqual(bytesOf(BigInt(n)))
    }
  })

  test('beyond them is refused, written or read', async () => {
    const codec = await codecOfLongs()
    for (const n of [2 ** 53, -(2 ** 53), 2 ** 60, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => codec.encode(any, { n, maybe: null, many: [] })).toThrow(InvalidValue)
    const beyond = [2n ** 53n, 2n ** 53n + 1n, 2n ** 62n, 2n ** 63n - 1n].flatMap((n) => [n, -n, -n - 1n])
    for (const n of beyond) {
      const bytes = Buffer.from([0, 0, 0, 0, 1, ...bytesOf(n), 0, 0])
      expect(() => codec.decode(bytes), String(n)).toThrow(BadPayload)
    }
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
    const codec = memoryCodec(contracts)
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
