import { readFileSync } from 'node:fs'
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
  ['cli-tableau', 'MIT, in its LICENSE file'],
  ['cpu-features', 'MIT, in its LICENSE file'],
  ['ssh2', 'MIT, in its LICENSE file'],
  ['tv4', 'public domain or MIT, in its LICENSE.txt'],
  ['pm2', 'AGPL-3.0: runs unmodified as a program of its own, no code of ours links to it'],
])

test('every package may be used: its licence is permissive, or it is listed with the reason', () => {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { license?: unknown }>
  }
  const doubtful = Object.entries(packages)
    .filter(([path]) => path !== '')
    .map(([path, { license }]) => [path.split('node_modules/').at(-1)!, license] as const)
    .filter(([name, license]) => !known.has(name) && !(typeof license === 'string' && permissive.test(license)))
  expect(doubtful).toEqual([])
})
