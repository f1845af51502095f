import { createRequire } from 'node:module'
import { type KafkaAt, kafkaOptions, securedKafka } from './kafka-at.ts'
import './kafkajs.ts'

const METADATA = 3
const VERSION = 12
const TIMEOUT_MS = 10_000
const UNKNOWN_TOPIC_OR_PARTITION = 3

/**
 * The id the cluster gave the topic when it was created (KIP-516), or undefined when there is no such topic. A topic
 * that was deleted and created again has another one. kafkajs's newest Metadata request is older than topic ids, so
 * this one is written here, and sent over one of its connections (Metadata version 12, https://kafka.apache.org/protocol#The_Messages_Metadata).
 */
export async function topicIdOf(at: KafkaAt, topic: string): Promise<string | undefined> {
  let failure: unknown = new Error('no brokers are given')
  const { brokers } = securedKafka(at)
  for (const broker of brokers) {
    try {
      return readTopicId(await ask(at, broker, metadataRequest(topic)), topic)
    } catch (error) {
      failure = error
    }
  }
  throw new Error(
    `no broker of ${brokers.join(', ')} tells the id of topic "${topic}": ${(failure as Error).message}`,
    {
      cause: failure,
    },
  )
}

/** What follows the client's id in the request's header, and the body. */
function metadataRequest(topic: string): Buffer {
  const name = Buffer.from(topic)
  const topics = Buffer.concat([Buffer.of(2), Buffer.alloc(16), uvarint(name.length + 1), name, Buffer.of(0)])
  // Neither create the topic nor list what may be done with it; no tagged fields.
  return Buffer.concat([Buffer.of(0), topics, Buffer.of(0, 0, 0)])
}

function readTopicId(answer: Buffer, topic: string): string | undefined {
  const read = new Reader(answer)
  read.skip(1 + 4) // tagged fields, throttle time
  read.array(() => {
    read.skip(4)
    read.string()
    read.skip(4)
    read.string()
    read.tags()
  })
  read.string()
  read.skip(4)
  const topics = read.uvarint() - 1
  if (topics !== 1) throw new Error(`the answer holds ${topics} topics, one was asked for`)
  const code = read.int16()
  read.string()
  const id = read.take(16).toString('hex')
  if (code === UNKNOWN_TOPIC_OR_PARTITION) return undefined
  if (code !== 0) throw new Error(`metadata of topic "${topic}" answered error code ${code}`)
  return id
}

/** What is used of a connection of kafkajs. */
interface Connection {
  setVersions(versions: Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>>): void
  setSupportAuthenticationProtocol(supported: boolean): void
  connect(): Promise<unknown>
  authenticate(): Promise<void>
  send(exchange: object): Promise<Buffer>
  disconnect(): Promise<unknown>
}
const internals = createRequire(import.meta.url)
const ConnectionTo = internals('kafkajs/src/network/connection') as new (options: object) => Connection
const EncoderOf = internals('kafkajs/src/protocol/encoder') as new () => { writeBuffer(bytes: Buffer): object }
const socketFactory = internals('kafkajs/src/network/socketFactory') as () => unknown

const silent = { namespace: () => silent, debug() {}, info() {}, warn() {}, error() {} }
/** SaslHandshake and SaslAuthenticate, in versions that every broker of today has. */
const SASL_VERSIONS = { 17: { minVersion: 1, maxVersion: 1 }, 36: { minVersion: 0, maxVersion: 1 } }

async function ask(at: KafkaAt, broker: string, body: Buffer): Promise<Buffer> {
  const { brokers: _, ...secured } = kafkaOptions(at)
  const colon = broker.lastIndexOf(':')
  const connection = new ConnectionTo({
    host: broker.slice(0, colon),
    port: Number(broker.slice(colon + 1)),
    clientId: 'tributary',
    logger: silent,
    socketFactory: socketFactory(),
    connectionTimeout: TIMEOUT_MS,
    requestTimeout: TIMEOUT_MS,
    ...secured,
  })
  connection.setVersions(SASL_VERSIONS)
  connection.setSupportAuthenticationProtocol(true)
  try {
    await connection.connect()
    await connection.authenticate()
    return await connection.send({
      request: {
        apiKey: METADATA,
        apiVersion: VERSION,
        apiName: 'Metadata',
        encode: async () => new EncoderOf().writeBuffer(body),
      },
      response: { decode: async (bytes: Buffer) => bytes, parse: async (bytes: Buffer) => bytes },
    })
  } finally {
    await connection.disconnect()
  }
}

class Reader {
  readonly #bytes: Buffer
  #at = 0
  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }
  skip(bytes: number): void {
    this.#at += bytes
  }
  take(bytes: number): Buffer {
    this.#at += bytes
    return this.#bytes.subarray(this.#at - bytes, this.#at)
  }
  int16(): number {
    return this.take(2).readInt16BE()
  }
  uvarint(): number {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = this.take(1)[0]!
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  /** A compact string; null counts as empty. */
  string(): void {
    const length = this.uvarint()
    if (length > 1) this.skip(length - 1)
  }
  array(element: () => void): void {
    for (let left = this.uvarint() - 1; left > 0; left--) element()
  }
  tags(): void {
    for (let left = this.uvarint(); left > 0; left--) {
      this.uvarint()
      this.skip(this.uvarint())
    }
  }
}

function uvarint(value: number): Buffer {
  const bytes: number[] = []
  for (; value >= 0x80; value >>>= 7) bytes.push((value & 0x7f) | 0x80)
  return Buffer.from([...bytes, value])
}
