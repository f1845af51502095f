import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { download } from './native/download.ts'
import { proxiesOf } from './native/proxies.ts'

afterEach(() => vi.unstubAllEnvs())

test.each([
  ['proxy.corp:3128', { host: 'proxy.corp', port: '3128', user: '', password: '' }],
  ['ann:s%40t@proxy.corp:3128', { host: 'proxy.corp', port: '3128', user: 'ann', password: 's@t' }],
  ['http://proxy.corp', { host: 'proxy.corp', port: '80' }],
  ['HTTPS://proxy.corp/', { host: 'proxy.corp', port: '443' }],
  ['http://10.0.0.1:8080/', { host: '10.0.0.1', port: '8080' }],
  [' proxy ', { host: 'proxy', port: '80' }],
])('"%s" is a proxy', (value, expected) => {
  expect(proxiesOf({ HTTPS_PROXY: value }).https).toMatchObject(expected)
})

test('the variable of the scheme counts before those of others, small letters before capitals', () => {
  const hosts = (env: Record<string, string>) => {
    const { http, https } = proxiesOf(env)
    return [http?.host, https?.host]
  }
  expect(hosts({ https_proxy: 'a', HTTPS_PROXY: 'b', HTTP_PROXY: 'c', ALL_PROXY: 'd' })).toEqual(['c', 'a'])
  expect(hosts({ HTTP_PROXY: 'c', ALL_PROXY: 'd' })).toEqual(['c', 'c'])
  expect(hosts({ HTTPS_PROXY: 'b', all_proxy: 'd' })).toEqual(['d', 'b'])
  expect(hosts({ HTTPS_PROXY: 'b' })).toEqual([undefined, 'b'])
  expect(hosts({ ALL_PROXY: 'socks5://d', NO_PROXY: 'a, *' })).toEqual([undefined, undefined])
})

test.each([
  ['ALL_PROXY', 'socks5h://ann:secret@proxy:1080', /^ALL_PROXY names a SOCKS proxy.*name an HTTP proxy in HTTP_PROXY/],
  ['https_proxy', 'SOCKS5://ann:secret@proxy:1080', /^https_proxy names a SOCKS proxy/],
  ['HTTPS_PROXY', 'http://', /^HTTPS_PROXY is not the address of an HTTP proxy: write it like http:/],
  ['HTTPS_PROXY', 'ftp://ann:secret@proxy', /^HTTPS_PROXY is not the address/],
  ['HTTP_PROXY', 'http://ann:secret#1@proxy:3128', /^HTTP_PROXY is not the address.*# as %23/],
  ['HTTP_PROXY', 'http://ann:secret@proxy:99999', /^HTTP_PROXY is not the address/],
  ['HTTP_PROXY', 'http://ann:secret%zz@proxy:3128', /password in HTTP_PROXY is not percent-encoded.*% as %25/],
])('what %s has can not be used: the variable is named, and not what is in it', (variable, value, what) => {
  let message = ''
  try {
    proxiesOf({ [variable]: value })
  } catch (error) {
    message = (error as Error).message
  }
  expect(message).toMatch(what)
  expect(message).not.toMatch(/secret|ann/)
})

test('a download goes through a proxy that is named without a scheme, with its user and password', async () => {
  const origin = createServer((_, response) => response.end('whole'))
  const proxy = createServer()
  const asked: unknown[] = []
  proxy.on('connect', (request, socket) => {
    asked.push(request.url, request.headers['proxy-authorization'])
    socket.write('HTTP/1.1 200 OK\r\n\r\n')
    origin.emit('connection', socket)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  for (const name of ['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy', 'NO_PROXY']) vi.stubEnv(name, '')
  vi.stubEnv('HTTP_PROXY', `ann:s%40t@127.0.0.1:${(proxy.address() as AddressInfo).port}`)
  const folder = mkdtempSync(join(tmpdir(), 'tributary-download-'))
  const file = join(folder, 'file')
  const hex = createHash('sha256').update('whole').digest('hex')
  await download('http://download.example/file', file, { algorithm: 'sha256', hex })
  expect(readFileSync(file, 'utf8')).toBe('whole')
  expect(asked).toEqual(['download.example:80', `Basic ${btoa('ann:s@t')}`])
  rmSync(folder, { recursive: true })
  proxy.closeAllConnections()
  proxy.close()
})
