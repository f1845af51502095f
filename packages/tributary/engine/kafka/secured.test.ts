import { rmSync } from 'node:fs'
import type { AddressInfo, Socket } from 'node:net'
import { createServer } from 'node:tls'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { SecuredKafka } from '#runtime/kafka-at'
import { topicIdOf } from '#runtime/topic-id'
import { makeCertificates, pem } from '../../../../tests/harness/certificates.ts'
import { Cluster } from './cluster.ts'

const certificates = makeCertificates()
const others = makeCertificates()
const ID = '0123456789abcdef0123456789abcdef'
const login = { username: 'me', password: 'a-secret' }
/** What the broker was asked for, by the keys of the protocol, on connections that spoke TLS. */
let asked: number[] = []

const int16 = (value: number) => Buffer.of(value >> 8, value & 0xff)
const int32 = (value: number) =>
  Buffer.from([value >>> 24, value >>> 16, value >>> 8, value].map((byte) => byte & 0xff))
const string = (text: string) => Buffer.concat([int16(text.length), Buffer.from(text)])
const compact = (text: string) => Buffer.concat([Buffer.of(text.length + 1), Buffer.from(text)])
const [SUCCESS, AUTHENTICATION_FAILED] = [0, 58]

/** As much of a broker as a client meets on its way in: https://kafka.apache.org/protocol */
const broker = createServer({ cert: pem(certificates.certificate), key: pem(certificates.key) }, (socket) => {
  let entered = false
  let received = Buffer.alloc(0)
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk])
    while (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) {
      const request = received.subarray(4, 4 + received.readInt32BE(0))
      received = received.subarray(4 + request.length)
      const key = request.readInt16BE(0)
      asked.push(key)
      const answer = answerTo(key, request.readInt16BE(2), request.subarray(10 + request.readInt16BE(8)))
      const whole = Buffer.concat([request.subarray(4, 8), answer])
      socket.write(Buffer.concat([int32(whole.length), whole]))
    }
  })

  function answerTo(key: number, version: number, body: Buffer): Buffer {
    switch (key) {
      // ApiVersions, version 1: SaslAuthenticate is known in version 0.
      case 18:
        return Buffer.concat([int16(SUCCESS), int32(1), int16(36), int16(0), int16(0), int32(0)])
      // SaslHandshake, version 1
      case 17:
        return Buffer.concat([int16(SUCCESS), int32(1), string('PLAIN')])
      // SaslAuthenticate; since version 1 with the session's lifetime
      case 36:
        entered = body.subarray(4).toString() === `\0${login.username}\0${login.password}`
        return Buffer.concat([
          int16(entered ? SUCCESS : AUTHENTICATION_FAILED),
          int16(-1),
          int32(0),
          Buffer.alloc(8 * version),
        ])
      default:
        if (!entered) socket.destroy()
        return metadata((socket as Socket).localPort!)
    }
  }
})

/** Metadata, version 12: one broker, one topic with one partition. */
function metadata(port: number): Buffer {
  const none = Buffer.of(0)
  const at = Buffer.concat([int32(1), compact('127.0.0.1'), int32(port), none, none])
  const replicas = Buffer.concat([Buffer.of(2), int32(1)])
  const partition = [int16(SUCCESS), int32(0), int32(1), int32(0), replicas, replicas, Buffer.of(1), none]
  const topic = [int16(SUCCESS), compact('t'), Buffer.from(ID, 'hex'), none, Buffer.of(2), ...partition]
  return Buffer.concat([none, int32(0), Buffer.of(2), at, none, int32(1), Buffer.of(2), ...topic, int32(0), none, none])
}

const at = (more: Partial<SecuredKafka> = {}): SecuredKafka => ({
  brokers: [`127.0.0.1:${(broker.address() as AddressInfo).port}`],
  tls: { ca: pem(certificates.ca) },
  sasl: { mechanism: 'PLAIN', ...login },
  ...more,
})
async function learned(more: Partial<SecuredKafka> = {}): Promise<number | undefined> {
  const cluster = new Cluster({ brokers: at(more), clientId: 'test' })
  try {
    return (await cluster.learn(['t'])).get('t')
  } finally {
    await cluster.close()
  }
}

beforeAll(() => new Promise<void>((resolve) => broker.listen(0, '127.0.0.1', resolve)))
beforeEach(() => {
  asked = []
})
afterAll(() => {
  broker.close()
  for (const { folder } of [certificates, others]) rmSync(folder, { recursive: true })
})

test("the engine's client speaks TLS and says who it is before it asks", async () => {
  expect(await learned()).toBe(1)
  expect(asked).toEqual([18, 17, 36, 3])
})

test('so does the question for the id of a topic', async () => {
  expect(await topicIdOf(at(), 't')).toBe(ID)
  expect(asked).toEqual([17, 36, 3])
})

test.each([
  ['another password', { sasl: { mechanism: 'PLAIN', username: 'me', password: 'guessed' } }],
  ['another CA', { tls: { ca: pem(others.ca) } }],
  ['the CAs that Node brings', { tls: {} }],
] as const)('with %s nothing is asked for', async (_, more) => {
  await expect(learned(more)).rejects.toThrow('no Kafka broker answers at 127.0.0.1')
  await expect(topicIdOf(at(more), 't')).rejects.toThrow('no broker of 127.0.0.1')
  expect(asked).not.toContain(3)
})
