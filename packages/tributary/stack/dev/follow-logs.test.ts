import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { waitUntil } from '#testing/wait-until'
import { followFiles } from './follow-logs.ts'

let folder: string
let lines: string[]
let following: { stop(): void } | undefined
const at = (name: string) => join(folder, `${name}.log`)

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-follow-'))
  lines = []
})
afterEach(() => {
  following?.stop()
  rmSync(folder, { recursive: true, force: true })
})
const follow = (...names: string[]) => {
  following = followFiles(new Map(names.map((name) => [name, at(name)])), (name, line) =>
    lines.push(`${name}: ${line}`),
  )
}

test('what was said before is not said again; whole lines are, also of a file that is not there yet', async () => {
  writeFileSync(at('a'), 'before\n')
  follow('a', 'b')
  appendFileSync(at('a'), 'one\ntw')
  writeFileSync(at('b'), 'new\n')
  await waitUntil('both are read', () => lines.length === 2)
  expect(lines.toSorted()).toEqual(['a: one', 'b: new'])
  appendFileSync(at('a'), 'o\n')
  await waitUntil('the line is whole', () => lines.includes('a: two'))
})

test('a file that is put aside loses nothing, and the new one is followed', async () => {
  writeFileSync(at('a'), '')
  follow('a')
  appendFileSync(at('a'), 'old\n')
  renameSync(at('a'), `${at('a')}.1`)
  writeFileSync(at('a'), 'new\n')
  await waitUntil('both are read', () => lines.length === 2)
  expect(lines).toEqual(['a: old', 'a: new'])
})

test('what was said until the end is said', () => {
  writeFileSync(at('a'), '')
  follow('a')
  appendFileSync(at('a'), 'last words\n')
  following!.stop()
  following = undefined
  expect(lines).toEqual(['a: last words'])
})
