import { fetchAt, type HttpAt, securedHttp } from '#runtime/http-at'
import avro from './avsc.ts'
import type { Contract } from './contract.ts'
import { BadPayload, InvalidValue, SchemaNotRegistered, UnknownSchemaId } from './errors.ts'
import type { Plain } from './key.ts'

const MAGIC = 0
const HEADER_BYTES = 5

/** A decoded record: which contract (by the writer's full record name) and its value. */
export interface Decoded {
  readonly name: string
  readonly value: unknown
}

/**
 * Avro values in the registry's wire format: byte 0, 4-byte schema id, Avro binary
 * (https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format).
 * Encoding and decoding are synchronous; only `prepare` and `learn` ask the registry, once per schema.
 */
export interface Codec {
  /** Looks up the ids of the given contracts. Throws `SchemaNotRegistered`: nothing is registered in passing. */
  prepare(contracts: readonly Contract<unknown>[]): Promise<void>
  /** The value's bytes. Throws `InvalidValue`, which names the record and the field. */
  encode<T>(contract: Contract<T>, value: NoInfer<T | Plain<T>>): Buffer
  /**
   * The value of the bytes, read as our own schema of that name where we have one.
   * Throws `UnknownSchemaId` when the id has not been learned yet, `BadPayload` when the bytes aren't such a value.
   */
  decode(bytes: Uint8Array): Decoded
  /** Fetches the schema of an id, so that `decode` can read it. Throws `UnknownSchemaId` when there is none. */
  learn(id: number): Promise<void>
}

/** Where a codec gets ids and schemas from. */
export interface SchemaSource {
  /** The id under which exactly this schema is registered, or undefined. */
  idOf(contract: Contract<unknown>): Promise<number | undefined>
  /** The schema of an id as an avsc type, or undefined. */
  typeOf(id: number): Promise<avro.Type | undefined>
}

interface Reader {
  readonly name: string
  readonly type: avro.Type
  readonly resolver: avro.Resolver | undefined
  /** Why nothing of this schema can be read as ours. */
  readonly unreadable?: string
}

/** The avsc type of a schema, the same way everywhere: plain objects, no methods. */
export function avroType(schema: unknown): avro.Type {
  return avro.Type.forSchema(schema as avro.Schema, { omitRecordMethods: true, noAnonymousTypes: false })
}

/** A codec on any source of schemas. */
export function codecOn(source: SchemaSource, known: readonly Contract<unknown>[]): Codec {
  const ours = new Map(known.map((c) => [c.name, avroType(c.schema)]))
  const ids = new Map<string, number>()
  const readers = new Map<number, Reader>()
  const learning = new Map<number, Promise<void>>()

  const typeOf = (contract: Contract<unknown>) => {
    const type = ours.get(contract.name) ?? avroType(contract.schema)
    ours.set(contract.name, type)
    return type
  }

  function admit(id: number, writer: avro.Type): void {
    const name = writer.name ?? ''
    const type = ours.get(name)
    readers.set(id, type ? { name, type, ...resolve(type, writer) } : { name, type: writer, resolver: undefined })
  }

  return {
    async prepare(wanted) {
      for (const contract of wanted) {
        if (ids.has(contract.name)) continue
        const id = await source.idOf(contract)
        if (id === undefined) throw new SchemaNotRegistered(contract.name)
        ids.set(contract.name, id)
        admit(id, typeOf(contract))
      }
    },

    encode(contract, value) {
      const id = ids.get(contract.name)
      if (id === undefined) throw new SchemaNotRegistered(contract.name, 'was not prepared')
      const type = typeOf(contract)
      let body: Buffer
      try {
        body = type.toBuffer(value)
      } catch (cause) {
        throw new InvalidValue(contract.name, faultsIn(type, value), { cause })
      }
      const bytes = Buffer.allocUnsafe(HEADER_BYTES + body.length)
      bytes[0] = MAGIC
      bytes.writeUInt32BE(id, 1)
      body.copy(bytes, HEADER_BYTES)
      return bytes
    },

    decode(bytes) {
      if (bytes.length < HEADER_BYTES || bytes[0] !== MAGIC) {
        throw new BadPayload(`it doesn't begin with byte 0 and a schema id (${bytes.length} bytes)`)
      }
      const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      const id = buffer.readUInt32BE(1)
      const reader = readers.get(id)
      if (!reader) throw new UnknownSchemaId(id)
      if (reader.unreadable) throw new BadPayload(`schema id ${id} is another ${reader.name}: ${reader.unreadable}`)
      try {
        return { name: reader.name, value: reader.type.fromBuffer(buffer.subarray(HEADER_BYTES), reader.resolver) }
      } catch (cause) {
        throw new BadPayload(`it isn't a ${reader.name} of schema id ${id}`, { cause })
      }
    },

    learn(id) {
      const running = learning.get(id)
      if (running) return running
      const fetched = source
        .typeOf(id)
        .then((writer) => {
          if (!writer) throw new UnknownSchemaId(id)
          admit(id, writer)
        })
        .finally(() => learning.delete(id))
      learning.set(id, fetched)
      return fetched
    },
  }
}

export interface CodecOptions {
  /** Its Confluent-compatible path, ending in `/apis/ccompat/v7`. */
  readonly registry: HttpAt
  /** What is written, and read as ours. */
  readonly contracts: readonly Contract<unknown>[]
}

/**
 * A codec on a registry. It looks up and never registers: the lookup of a schema's id is `POST /subjects/<name>` without `/versions`.
 */
export async function openCodec(options: CodecOptions): Promise<Codec> {
  const urlOf = (path: string) => `${securedHttp(options.registry).url}${path}`
  const source: SchemaSource = {
    idOf: async ({ name, schema }) => {
      const path = `/subjects/${encodeURIComponent(name)}`
      const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' }
      const body = JSON.stringify({ schema: JSON.stringify(schema) })
      const response = await ask(options.registry, path, { method: 'POST', headers, body })
      if (response.status === 404) return undefined
      if (!response.ok) throw new Error(`POST ${urlOf(path)} answered ${response.status}`)
      return ((await response.json()) as { id: number }).id
    },
    typeOf: async (id) => {
      const path = `/schemas/ids/${id}`
      const response = await ask(options.registry, path)
      if (response.status === 404) return undefined
      if (!response.ok) throw new Error(`GET ${urlOf(path)} answered ${response.status}`)
      const { schema, schemaType = 'AVRO' } = (await response.json()) as { schema: string; schemaType?: string }
      return schemaType === 'AVRO' ? readable(schema) : undefined
    },
  }
  return codecOn(source, options.contracts)
}

/** A codec without a registry, for tests: ids are the contracts' places in the list, from 1. */
export function memoryCodec(known: readonly Contract<unknown>[]): Codec {
  return codecOn(
    {
      idOf: async (contract) => known.findIndex((c) => c.name === contract.name) + 1 || undefined,
      typeOf: async (id) => (known[id - 1] ? avroType(known[id - 1]!.schema) : undefined),
    },
    known,
  )
}

/** How long the registry may take for an answer, in ms: a question that hangs would hold up a whole worker. */
const ANSWER_MS = 10_000

/** The answer, whole: a body left unread keeps its connection busy. */
async function ask(registry: HttpAt, path: string, init?: RequestInit): Promise<Response> {
  try {
    const response = await fetchAt(registry, path, { ...init, signal: AbortSignal.timeout(ANSWER_MS) })
    return new Response(await response.arrayBuffer(), response)
  } catch (error) {
    const { cause = error } = error as Error
    throw new Error(
      `the schema registry doesn't answer at ${securedHttp(registry).url}${path}: ${(cause as Error).message}`,
      { cause },
    )
  }
}

/** The type of a registered schema. One that isn't Avro after all is as good as none: nobody can read its records. */
function readable(schema: string): avro.Type | undefined {
  try {
    return avroType(JSON.parse(schema))
  } catch {
    return undefined
  }
}

/** How a schema's records are read as ours. It may be anybody's of the same name, registered where nothing compared them. */
function resolve(ours: avro.Type, writer: avro.Type): Pick<Reader, 'resolver' | 'unreadable'> {
  if (sameSchema(ours, writer)) return { resolver: undefined }
  try {
    return { resolver: ours.createResolver(writer) }
  } catch (error) {
    return { resolver: undefined, unreadable: (error as Error).message }
  }
}

function sameSchema(a: avro.Type, b: avro.Type): boolean {
  return a === b || a.fingerprint('md5').equals(b.fingerprint('md5'))
}

function faultsIn(type: avro.Type, value: unknown): string[] {
  const faults: string[] = []
  type.isValid(value, {
    errorHook: (path, found, expected) => {
      faults.push(`${path.join('.') || '(the value)'} is ${JSON.stringify(found) ?? 'missing'}, not ${expected}`)
    },
  })
  return faults
}
