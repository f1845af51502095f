import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { mavenFor } from './native/maven.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-maven-test-'))
  for (const name of ['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy']) {
    vi.stubEnv(name, '')
    vi.stubEnv(name.toUpperCase(), '')
  }
  vi.stubEnv('HOME', folder)
  vi.stubEnv('PATH', `${folder}${delimiter}${process.env.PATH}`)
  vi.stubEnv('RECORD', folder)
  const record = 'while [ $# -gt 0 ]; do [ "$1" = -gs ] && cp -p "$2" "$RECORD/settings.xml"; shift; done'
  writeFileSync(
    join(folder, 'mvn'),
    `#!/bin/sh\n[ "$1" = -v ] && exit 0\nprintf '%s\\n' "$@" > "$RECORD/arguments"\n${record}\nexit 0\n`,
  )
  chmodSync(join(folder, 'mvn'), 0o755)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

/** Has a Maven that only takes down what it is told fetch something; gives its arguments and its settings. */
async function told(env: Readonly<Record<string, string>>) {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
  const maven = await mavenFor({ home: folder, version: 25 }, join(folder, 'downloads'))
  await maven.copyArtifact('group:artifact:1:jar', folder)
  const settings = join(folder, 'settings.xml')
  return {
    args: readFileSync(join(folder, 'arguments'), 'utf8').split('\n'),
    settings: existsSync(settings) ? readFileSync(settings, 'utf8') : undefined,
    mode: existsSync(settings) ? statSync(settings).mode & 0o777 : undefined,
  }
}

test("the environment's proxy is said in Java's words, and this computer goes direct", async () => {
  const { args, settings } = await told({ HTTPS_PROXY: 'proxy.corp:3128', NO_PROXY: '.corp, 10.0.0.1' })
  expect(args).toEqual(
    expect.arrayContaining([
      '-Dhttps.proxyHost=proxy.corp',
      '-Dhttps.proxyPort=3128',
      '-Dhttp.nonProxyHosts=localhost|127.*|[::1]|*.corp|10.0.0.1',
      '-Daether.connector.http.useSystemProperties=true',
    ]),
  )
  expect(settings).toBeUndefined()
})

test("a proxy's password stands in a file that nobody else can read, and on no command line", async () => {
  const { args, settings, mode } = await told({
    HTTPS_PROXY: 'http://ann:s%3Ccr%26t@proxy.corp:3128',
    NO_PROXY: '.corp',
  })
  expect(args.join()).not.toMatch(/ann|cr&t|proxy\.corp/)
  expect(settings).toBe(
    '<settings><proxies><proxy><id>https</id><protocol>https</protocol><host>proxy.corp</host><port>3128</port>' +
      '<nonProxyHosts>localhost|127.*|[::1]|*.corp</nonProxyHosts><username>ann</username>' +
      '<password>s&#60;cr&#38;t</password></proxy></proxies></settings>\n',
  )
  expect(mode).toBe(0o600)
  expect(existsSync(args[args.indexOf('-gs') + 1]!)).toBe(false)
})

test("a proxy of Maven's own settings comes before the environment's", async () => {
  mkdirSync(join(folder, '.m2'))
  writeFileSync(join(folder, '.m2', 'settings.xml'), '<settings><!-- <proxy>: none --></settings>')
  const HTTPS_PROXY = 'http://ann:secret@proxy.corp'
  expect((await told({ HTTPS_PROXY })).args).toContain('-gs')
  writeFileSync(join(folder, '.m2', 'settings.xml'), '<settings><proxies><proxy>…</proxy></proxies></settings>')
  expect((await told({ HTTPS_PROXY })).args).not.toContain('-gs')
})

test('without a proxy nothing is said, and one that can not be used stops before anything is fetched', async () => {
  const { args } = await told({})
  expect(args.join()).not.toMatch(/proxy|-gs/i)
  rmSync(join(folder, 'arguments'))
  await expect(told({ ALL_PROXY: 'socks5://proxy:1080' })).rejects.toThrow('ALL_PROXY names a SOCKS proxy')
  expect(existsSync(join(folder, 'arguments'))).toBe(false)
})
