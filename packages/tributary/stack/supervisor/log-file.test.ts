import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { waitUntil } from '#testing/wait-until'
import { LogFile } from './log-file.ts'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-log-'))
  path = join(folder, 'a.log')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const text = (file = path) => readFileSync(file, 'utf8')

test('what is said is appended, also to what another life of the supervisor wrote', async () => {
  for (const word of ['one\n', 'two\n']) {
    const log = new LogFile(path)
    log.write(Buffer.from(word))
    await log.close()
  }
  expect(text()).toBe('one\ntwo\n')
})

test('files are bounded: the oldest go, the youngest is whole', async () => {
  const log = new LogFile(path, { largest: 100, files: 3 })
  for (let i = 0; i < 40; i++) {
    log.write(Buffer.from(`line ${String(i).padStart(14, '0')}\n`))
    await waitUntil('it is written', () => existsSync(path) && text().includes(String(i).padStart(14, '0')))
  }
  await log.close()
  expect(readdirSync(folder).toSorted()).toEqual(['a.log', 'a.log.1', 'a.log.2'])
  for (const file of readdirSync(folder)) expect(statSync(join(folder, file)).size).toBeLessThanOrEqual(100)
  const kept = ['a.log.2', 'a.log.1', 'a.log'].map((file) => text(join(folder, file))).join('')
  expect(kept.split('\n').at(-2)).toBe('line 00000000000039')
  expect(kept.split('\n').length).toBeGreaterThan(10)
})

test('a file that somebody deleted is begun again', async () => {
  const log = new LogFile(path)
  log.write(Buffer.from('one\n'))
  await waitUntil('it is written', () => existsSync(path))
  rmSync(path)
  log.write(Buffer.from('two\n'))
  await log.close()
  expect(text()).toBe('two\n')
})

test.skipIf(!existsSync('/dev/full'))('a full disk holds nobody up, and the file says what is missing', async () => {
  symlinkSync('/dev/full', path)
  const log = new LogFile(path)
  const said = Buffer.alloc(50_000, 'x')
  for (let i = 0; i < 100; i++) log.write(said)
  await log.close()
  rmSync(path)
  log.write(Buffer.from('room again\n'))
  await log.close()
  expect(text()).toMatch(/^\[supervisor\] 5000000 bytes are missing here: .+\nroom again\n$/)
})
