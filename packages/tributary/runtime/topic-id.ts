import { connect, type Socket } from 'node:net'

const METADATA = 3
const VERSION = 12
const TIMEOUT_MS = 10_000
const UNKNOWN_TOPIC_OR_PARTITION = 3

/**
 * The id the cluster gave the topic when it was created (KIP-516), or undefined when there is no such topic. A topic
 * that was deleted and created again has another one. kafkajs's newest Metadata request is older than topic ids, so
 * this one is written here (Metadata version 12, https://kafka.apache.org/protocol#The_Messages_Metadata).
 */
export async function topicIdOf(brokers: readonly string[], topic: string): Promise<string | undefined> {
  let failure: unknown = new Error('no brokers are given')
  for (const broker of brokers) {
    try {
      return readTopicId(await ask(broker, metadataRequest(topic)), topic)
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

function metadataRequest(topic: string): Buffer {
  const name = Buffer.from(topic)
  const clientId = Buffer.from('tributary')
  const header = Buffer.alloc(10)
  header.writeInt16BE(METADATA, 0)
  header.writeInt16BE(VERSION, 2)
  header.writeInt32BE(1, 4)
  header.writeInt16BE(clientId.length, 8)
  const topics = Buffer.concat([Buffer.of(2), Buffer.alloc(16), uvarint(name.length + 1), name, Buffer.of(0)])
  // Neither create the topic nor list what may be done with it; no tagged fields.
  const body = Buffer.concat([header, clientId, Buffer.of(0), topics, Buffer.of(0, 0, 0)])
  const size = Buffer.alloc(4)
  size.writeInt32BE(body.length)
  return Buffer.concat([size, body])
}

function readTopicId(answer: Buffer, topic: string): string | undefined {
  const read = new Reader(answer)
  read.skip(4 + 1 + 4) // correlation id, tagged fields, throttle time
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

function ask(broker: string, request: Buffer): Promise<Buffer> {
  const at = broker.lastIndexOf(':')
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const socket: Socket = connect({ host: broker.slice(0, at), port: Number(broker.slice(at + 1)) })
  let received = Buffer.alloc(0)
  socket.setTimeout(TIMEOUT_MS, () => reject(new Error(`${broker} did not answer within ${TIMEOUT_MS} ms`)))
  socket.on('error', reject)
  socket.on('close', () => reject(new Error(`${broker} closed the connection`)))
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk])
    if (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) resolve(received.subarray(4))
  })
  socket.write(request)
  return promise.finally(() => socket.destroy())
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
