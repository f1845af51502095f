import { expect, test } from 'vitest'
import { proxyOptions } from './native/maven.ts'

test("the environment's proxy is said in Java's words, and this computer goes direct", () => {
  expect(proxyOptions({ HTTPS_PROXY: 'http://ann:s%40t@proxy.corp:3128', NO_PROXY: '.corp, 10.0.0.1' })).toEqual([
    '-Dhttps.proxyHost=proxy.corp',
    '-Dhttps.proxyPort=3128',
    '-Dhttps.proxyUser=ann',
    '-Dhttps.proxyPassword=s@t',
    '-Dhttp.nonProxyHosts=localhost|127.*|[::1]|*.corp|10.0.0.1',
    '-Daether.connector.http.useSystemProperties=true',
  ])
  expect(proxyOptions({ all_proxy: 'proxy:80' })).toContain('-Dhttps.proxyHost=proxy')
})

test('without a proxy nothing is said, and one that is none is named', () => {
  expect(proxyOptions({ NO_PROXY: '*' })).toEqual([])
  expect(() => proxyOptions({ HTTP_PROXY: 'http://' })).toThrow('HTTP_PROXY is not an address: http://')
})
