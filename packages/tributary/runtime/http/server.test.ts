import { request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { FastifyInstance, InjectOptions } from 'fastify'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Log } from '../log.ts'
import { Problem } from './problem.ts'
import { openHttpServer } from './server.ts'

const logged: Record<string, unknown>[] = []
const log = pino({}, { write: (line: string) => void logged.push(JSON.parse(line)) }) as Log
let server: FastifyInstance
let port: number

beforeAll(async () => {
  server = openHttpServer({ log, allowedHosts: ['shop.example'] })
  server.get('/thing', async () => ({ here: true }))
  server.post('/thing', async () => ({ changed: true }))
  server.delete('/thing', async () => ({ changed: true }))
  server.get('/broken', async () => {
    throw new Error('select * from secrets: connection to 10.0.0.7 refused')
  })
  server.get('/away', async () => {
    throw new Problem(503, { code: 'unavailable', detail: 'the database is away', retryable: true })
  })
  server.get(
    '/typed/:n',
    { schema: { params: { type: 'object', properties: { n: { type: 'integer' } } } } },
    async () => ({}),
  )
  await server.listen({ host: '127.0.0.1', port: 0 })
  port = (server.server.address() as AddressInfo).port
})
afterAll(() => server.close())

const ask = (options: InjectOptions) =>
  server.inject({ url: '/thing', ...options, headers: { host: 'localhost:80', ...options.headers } })
const json = { 'content-type': 'application/json' }

/** Over a socket: what `inject` would mend or refuse itself. */
const raw = (text: string) =>
  new Promise<string>((resolve, reject) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(answer))
  })

test.each(['localhost', 'LOCALHOST:14000', '127.0.0.1:1', '[::1]', '[::1]:14000', 'shop.example', 'shop.example:443'])(
  'is reached as %s',
  async (host) => {
    expect((await ask({ headers: { host } })).statusCode).toBe(200)
  },
)

test.each([
  'evil.example',
  'localhost.evil.example',
  'evil.example:80',
  'localhost@evil.example',
  'a.shop.example',
  '10.0.0.7',
  '[::2]',
  '::1',
  'localhost:80:80',
])('is not reached as "%s"', async (host) => {
  const answer = await ask({ headers: { host } })
  expect(answer.statusCode).toBe(403)
  expect(answer.json()).toMatchObject({ code: 'foreign_host', status: 403 })
})

test('a request without any host is refused', async () => {
  expect(await raw('GET /thing HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 403 /)
})

test.each(['https://evil.example', 'null', 'http://localhost:9999', 'http://localhost:80.evil.example', 'file://'])(
  'a page of %s may not ask for or change anything',
  async (origin) => {
    for (const method of ['GET', 'POST', 'DELETE'] as const) {
      const answer = await ask({ method, headers: { origin, ...json } })
      expect(answer.statusCode, method).toBe(403)
      expect(answer.json().code).toBe('foreign_origin')
    }
  },
)

test('its own pages may change things, also behind a proxy that speaks TLS', async () => {
  for (const [host, origin] of [
    ['localhost:80', 'http://localhost:80'],
    ['shop.example', 'https://Shop.example'],
  ] as const) {
    const headers = { host, origin, 'sec-fetch-site': 'same-origin', ...json }
    expect((await ask({ method: 'POST', headers })).statusCode).toBe(200)
  }
})

test('a link from another site leads to a page, but changes nothing', async () => {
  for (const site of ['cross-site', 'same-site']) {
    expect((await ask({ headers: { 'sec-fetch-site': site } })).statusCode).toBe(200)
    expect((await ask({ method: 'POST', headers: { 'sec-fetch-site': site, ...json } })).statusCode).toBe(403)
  }
})

test.each([
  undefined,
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'text/plain; application/json',
  'application/json, text/plain',
  'application/jsonp',
  'application/json; charset=utf-16',
])('nothing is changed with the content type %s, body or not', async (type) => {
  for (const method of ['POST', 'DELETE'] as const) {
    for (const payload of [undefined, '{}']) {
      const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type }
      const answer = await ask({ method, headers, ...(payload && type && { payload }) })
      expect(answer.statusCode).toBe(415)
      expect(answer.json().code).toBe('unsupported_media_type')
    }
  }
})

test.each(['application/json', 'Application/JSON; charset=UTF-8', 'application/json;charset="utf-8"'])(
  'things are changed with the content type %s',
  async (type) => {
    expect((await ask({ method: 'POST', payload: '{}', headers: { 'content-type': type } })).json()).toEqual({
      changed: true,
    })
  },
)

test('every error is a problem of RFC 9457', async () => {
  const faults: [InjectOptions, number, string][] = [
    [{ url: '/nowhere' }, 404, 'no_route'],
    [{ url: '/%zz' }, 400, 'bad_url'],
    [{ url: '/typed/x' }, 400, 'invalid'],
    [{ method: 'POST', payload: '{', headers: json }, 400, 'invalid_json'],
    [{ method: 'POST', payload: `"${'x'.repeat(2 ** 20)}"`, headers: json }, 413, 'body_too_large'],
    [{ url: '/broken' }, 500, 'internal'],
    [{ url: '/away' }, 503, 'unavailable'],
  ]
  for (const [options, status, code] of faults) {
    const answer = await ask(options)
    expect(answer.statusCode, code).toBe(status)
    expect(answer.headers['content-type']).toBe('application/problem+json')
    expect(answer.json()).toMatchObject({
      type: 'about:blank',
      title: expect.any(String),
      status,
      detail: expect.any(String),
      code,
      retryable: status === 503,
    })
  }
})

test('what is not HTTP gets a problem, too', async () => {
  for (const [text, status] of [
    ['GARBAGE\r\n\r\n', 400],
    [`GET /thing HTTP/1.1\r\nhost: localhost\r\nx: ${'x'.repeat(100_000)}\r\n\r\n`, 431],
  ] as const) {
    const answer = await raw(text)
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(answer).toContain('application/problem+json')
    expect(JSON.parse(answer.split('\r\n\r\n')[1]!)).toMatchObject({ status, code: 'bad_request' })
  }
})

test('an error of the server says nothing of its inside; the log has it under the same id', async () => {
  logged.length = 0
  const answer = await ask({ url: '/broken' })
  expect(answer.body).not.toMatch(/secrets|10\.0\.0\.7/)
  const { id } = answer.json()
  expect(id).toMatch(/^[0-9a-f-]{36}$/)
  const entry = logged.find((one) => one.id === id)
  expect(JSON.stringify(entry)).toContain('select * from secrets')
})

test('the host is checked of a request that names another one in its first line, too', async () => {
  const status = await new Promise((resolve) => {
    request({ port, path: 'http://localhost/thing', headers: { host: 'evil.example' } }, (answer) => {
      answer.resume()
      resolve(answer.statusCode)
    }).end()
  })
  expect(status).toBe(403)
})

test.each([
  ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
  ['a half of a surrogate pair in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
  ['an escape of half a pair', '{"a":["x\\ud800y"]}'],
  ['a name with half a pair', '{"\\udc00":1}'],
  ['a pair the wrong way round', '"\\udc00\\ud800"'],
  ['a prototype', '{"__proto__":{"a":1}}'],
  ['a second value', '{} {}'],
])('a body with %s is refused', async (_, payload) => {
  const answer = await ask({ method: 'POST', payload, headers: json })
  expect(answer.statusCode).toBe(400)
  expect(answer.json().code).toBe('invalid_json')
})

test('a body is read however deep it is nested', async () => {
  const depth = 100_000
  for (const [text, status] of [
    ['"\\ud83d\\ude00"', 200],
    ['"\\ud83d"', 400],
  ] as const) {
    const payload = `${'['.repeat(depth)}${text}${']'.repeat(depth)}`
    const answer = await ask({ method: 'POST', payload, headers: json })
    expect(answer.statusCode).toBe(status)
    if (status === 400) expect(answer.json().detail).toMatch(/half a surrogate pair/)
  }
})

test.each(['"\\ud83d\\ude00"', '"😀"', '\ufeff{}', '"\\\\ud800"', ' '])('a body of %j is read', async (payload) => {
  expect((await ask({ method: 'POST', payload, headers: json })).statusCode).toBe(200)
})
