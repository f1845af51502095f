import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { missingComponents, verifyChecksums } from './native/install.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-install-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

// The sum of another file.
const WHOLE = '66a7fa3fc1f2224ae9af46a0d8f13b4ed93a9a5e5a6c4e2b9ec6f0ac6e2e3f0c'

test('a download with the pinned sum is taken', async () => {
  const { createHash } = await import('node:crypto')
  writeFileSync(join(folder, 'a.jar'), 'whole')
  await verifyChecksums('kafka', folder, { 'kafka/a.jar': createHash('sha256').update('whole').digest('hex') })
})

test('a download that was altered is refused, naming the file and both sums', async () => {
  writeFileSync(join(folder, 'a.jar'), 'altered')
  await expect(verifyChecksums('kafka', folder, { 'kafka/a.jar': WHOLE })).rejects.toThrow(
    new RegExp(`the download a\\.jar has the SHA-256 [0-9a-f]{64}, pinned is ${WHOLE}`),
  )
})

test('a file that nobody pinned is refused, and a missing one is named', async () => {
  await expect(verifyChecksums('kafka', folder, { 'kafka/a.jar': WHOLE })).rejects.toThrow('lacks a.jar')
  writeFileSync(join(folder, 'b.jar'), '')
  await expect(verifyChecksums('kafka', folder, {})).rejects.toThrow('b.jar is not one of the files')
})

test('what is not in the cache is missing, each once', () => {
  expect(missingComponents(folder, ['kafka', 'kafka', 'debezium'])).toEqual(['kafka', 'debezium'])
})
