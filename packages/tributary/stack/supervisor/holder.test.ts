import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { hold, holderOf, release, startOf } from './holder.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-holder-'))
  file = join(folder, 'x.pid')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('who holds it is named until it lets go', () => {
  expect(hold(file)).toBeUndefined()
  expect(holderOf(file)?.pid).toBe(process.pid)
  expect(hold(file)?.pid).toBe(process.pid)
  release(file)
  expect(holderOf(file)).toBeUndefined()
  expect(readdirSync(folder)).toEqual([])
})

test('a pid that is now another process holds nothing: a power cut leaves such files', () => {
  writeFileSync(file, JSON.stringify({ pid: process.pid, started: 'before the power cut' }))
  expect(holderOf(file)).toBeUndefined()
  expect(hold(file)).toBeUndefined()
  expect(JSON.parse(readFileSync(file, 'utf8')).started).toBe(startOf(process.pid))
})

test.each(['', '{', '4711', '{"pid":"1"}', '\0\0\0\0'])('a file that a power cut left as %j holds nothing', (text) => {
  writeFileSync(file, text)
  expect(hold(file)).toBeUndefined()
  expect(holderOf(file)?.pid).toBe(process.pid)
})

test('a process that ended holds nothing, and its file is not released by others', async () => {
  const child = spawn('sleep', ['60'])
  await once(child, 'spawn')
  writeFileSync(file, JSON.stringify({ pid: child.pid, started: startOf(child.pid!) }))
  expect(hold(file)?.pid).toBe(child.pid)
  release(file)
  expect(existsSync(file)).toBe(true)
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(hold(file)).toBeUndefined()
})
