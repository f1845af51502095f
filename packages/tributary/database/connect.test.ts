import { rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { TLSSocket } from 'node:tls'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeCertificates, pem } from '../../../tests/harness/certificates.ts'
import { type DatabaseLogin, postgresOptions } from './connect.ts'

const certificates = makeCertificates()
const others = makeCertificates()

/** As much of a server as a client meets on its way in: TLS, then everybody is let in. */
const server = createServer((socket) => {
  socket.on('error', () => {})
  socket.once('data', () => {
    socket.write('S')
    const secured = new TLSSocket(socket, {
      isServer: true,
      cert: pem(certificates.certificate),
      key: pem(certificates.key),
    })
    secured.on('error', () => {})
    // AuthenticationOk, ReadyForQuery: https://www.postgresql.org/docs/18/protocol-message-formats.html
    secured.once('data', () => secured.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49])))
  })
})
beforeAll(() => new Promise<void>((resolve) => server.listen(0, resolve)))
afterAll(() => {
  server.close()
  for (const { folder } of [certificates, others]) rmSync(folder, { recursive: true })
})

/** Enters and leaves. */
async function enter(tls: DatabaseLogin['tls'], host = '127.0.0.1'): Promise<void> {
  const login = { host, port: (server.address() as AddressInfo).port, database: 'x', user: 'x', password: 'x', tls }
  const client = new pg.Client(postgresOptions(login))
  client.on('error', () => {})
  await client.connect()
  await client.end()
}

test('a server is entered with TLS where its CA is the one that is trusted', async () => {
  await enter({ ca: pem(certificates.ca) })
  await expect(enter({ ca: pem(others.ca) })).rejects.toThrow(/certificate|issuer/)
  await expect(enter({})).rejects.toThrow(/certificate|issuer/)
})

test('a certificate for another name is refused', async () => {
  await expect(enter({ ca: pem(certificates.ca) }, 'localhost')).rejects.toThrow(/altnames/)
})

test('without TLS nothing of it is said', () => {
  const login = { host: 'h', port: 1, database: 'd', user: 'u', password: 'p' }
  expect(postgresOptions(login)).toEqual({ ...login, types: expect.anything() })
})

test('clients of ours read bigint as a number; what others of the process read stays as it is', () => {
  const { types } = postgresOptions({ host: 'h', port: 1, database: 'd', user: 'u', password: 'p' })
  const { INT8, INT4 } = pg.types.builtins
  expect(new pg.Client({ types }).getTypeParser(INT8, 'text')('9007199254740991')).toBe(Number.MAX_SAFE_INTEGER)
  expect(types.getTypeParser(INT4, 'text')).toBe(pg.types.getTypeParser(INT4, 'text'))
  expect(pg.types.getTypeParser(INT8, 'text')('7')).toBe('7')
  expect(new pg.Client({}).getTypeParser(INT8, 'text')('7')).toBe('7')
})
