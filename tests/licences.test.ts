import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')

/** Licences that ask for nothing but to be named. MPL-2.0 covers the files it came with, not ours. */
const permissive =
  /^(MIT|MIT OR Apache-2\.0|Apache-2(\.0)?|ISC|0BSD|BSD-[23]-Clause|BlueOak-1\.0\.0|Python-2\.0|Unlicense|MPL-2\.0)$/

/** Packages whose licence the lock file doesn't give, or that need a word; see docs/decisions.md. */
const known = new Map([
  ['@kafkajs/confluent-schema-registry', 'MIT, in its LICENSE file'],
  ['buildcheck', 'MIT, in its LICENSE file'],
  ['cpu-features', 'MIT, in its LICENSE file'],
  ['ssh2', 'MIT, in its LICENSE file'],
])

type Packages = Record<string, { license?: unknown; dev?: boolean; link?: boolean }>
const packages = Object.entries(
  (JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: Packages }).packages,
).filter(([path, { link }]) => path !== '' && !link)
const nameOf = (path: string) => path.split('node_modules/').at(-1)!

test('every package may be used: its licence is permissive, or it is listed with the reason', () => {
  const doubtful = packages
    .map(([path, { license }]) => [nameOf(path), license] as const)
    .filter(([name, license]) => !known.has(name) && !(typeof license === 'string' && permissive.test(license)))
  expect(doubtful).toEqual([])
})

test('nothing is listed that is not there', () => {
  const names = new Set(packages.map(([path]) => nameOf(path)))
  expect([...known.keys()].filter((name) => !names.has(name))).toEqual([])
})

test('no package, needed at run time or for development, by us or by another, asks that what uses it be GPL', () => {
  const stated = packages.filter(([, { license }]) => /GPL|SSPL|BUSL|Elastic/i.test(JSON.stringify(license ?? '')))
  // Where the lock file says nothing, the licence's own text does.
  const written = packages.filter(([path, { license }]) => {
    const folder = join(root, path)
    if (license !== undefined || !existsSync(folder)) return false
    const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying)/i.test(file))
    return files.some((file) => /GNU (AFFERO |LESSER )?GENERAL PUBLIC/i.test(readFileSync(join(folder, file), 'utf8')))
  })
  expect([...stated, ...written].map(([path]) => path)).toEqual([])
})
