import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { javaVersion } from './native/jdk.ts'
import { fetchJdk, type JdkRelease, temurinHome } from './native/temurin.ts'
import type { Say } from './say.ts'

/** A mirror that serves an archive laid out as the publisher's. */
let folder: string
let archive: Buffer
let mirror: Server
let base: string
let serve: 'whole' | 'altered' | 'cut' | 'missing' = 'whole'
const asked: string[] = []
let cache: string

const quiet: Say = { line() {}, progress: () => ({ end() {} }), step: (_, work) => work() }
const inside = process.platform === 'darwin' ? 'Contents/Home' : '.'

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-temurin-'))
  const bin = join(folder, 'jdk-25+1', inside, 'bin')
  mkdirSync(bin, { recursive: true })
  writeFileSync(join(bin, 'java'), '#!/bin/sh\n')
  chmodSync(join(bin, 'java'), 0o700)
  writeFileSync(join(bin, '..', 'release'), 'JAVA_VERSION="25.0.4"\n')
  execFileSync('tar', ['-czf', join(folder, 'jdk.tar.gz'), '-C', folder, 'jdk-25+1'])
  archive = readFileSync(join(folder, 'jdk.tar.gz'))
  mirror = createServer((request, answer) => {
    asked.push(request.url ?? '')
    if (serve === 'missing') return answer.writeHead(404).end()
    answer.writeHead(200, { 'content-length': archive.length })
    if (serve === 'cut') return answer.write(archive.subarray(0, 100), () => answer.destroy())
    answer.end(serve === 'altered' ? Buffer.alloc(archive.length) : archive)
  })
  await new Promise<void>((resolve) => mirror.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(mirror.address() as { port: number }).port}/releases/`
})
afterAll(() => {
  mirror.close()
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(() => {
  serve = 'whole'
  cache = mkdtempSync(join(folder, 'cache-'))
})

const release = (): JdkRelease => ({
  version: '25.0.4+1',
  archives: {
    [`${process.platform}-${process.arch}`]: {
      file: 'jdk.tar.gz',
      sha256: createHash('sha256').update(archive).digest('hex'),
    },
  },
})
const bring = (from = base) => fetchJdk(cache, from, quiet, release())

test('a JDK is brought into the cache from the address given, and everybody may run it', async () => {
  const jdk = await bring()
  expect(jdk).toEqual({ home: temurinHome(cache, release()), version: 25 })
  expect(asked.at(-1)).toBe('/releases/jdk-25.0.4%2B1/jdk.tar.gz')
  expect(javaVersion(jdk.home)).toBe(25)
  expect(readdirSync(cache), 'nothing else is left').toHaveLength(1)
})

test.each([
  ['altered', /has the SHA-256 [0-9a-f]{64}, pinned is [0-9a-f]{64}: it was cut off or altered/],
  ['cut', /the download of http.*jdk\.tar\.gz was cut off/],
  ['missing', /jdk\.tar\.gz answers 404/],
] as const)(
  'one that is %s is refused with the address, and nothing is left that could be taken for it',
  async (how, says) => {
    serve = how
    await expect(bring()).rejects.toThrow(says)
    expect(readdirSync(cache)).toEqual([])
  },
)

test('an address that nobody answers at is named', async () => {
  await expect(bring('http://127.0.0.1:9')).rejects.toThrow(
    "http://127.0.0.1:9/jdk-25.0.4%2B1/jdk.tar.gz can't be reached",
  )
})

test('a cache that cannot be written to is named', async () => {
  await expect(fetchJdk('/dev/null/cache', base, quiet, release())).rejects.toThrow(
    "the cache /dev/null/cache isn't writable",
  )
})

test('the pinned release has a sum for every platform that PostgreSQL comes for', () => {
  const source = readFileSync(new URL('./native/temurin.ts', import.meta.url), 'utf8')
  for (const platform of ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'])
    expect(source).toContain(`'${platform}': {`)
  expect(new Set(source.match(/'[0-9a-f]{64}'/g)).size).toBe(4)
  expect(existsSync(cache)).toBe(true)
})
