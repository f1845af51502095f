import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { closedFolder, openForAll, openToAll, reachable, refuseUnusablePath, writable } from './paths.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-paths-'))
  chmodSync(folder, 0o755)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test.each(['/srv/my home', '/srv/it\'s "mine"', '/srv/Zürich/家/😀', '/srv/a=b#c%d&e(f)', '/srv/back\\slash'])(
  'a path that people really have is taken: %s',
  (path) => {
    expect(() => refuseUnusablePath('TRIBUTARY_HOME', path)).not.toThrow()
  },
)

test.each(['/srv/a,b', '/srv/a:b', '/srv/a;b', '/srv/a!b', '/srv/$' + '{a}', '/srv/a\nb'])(
  'a path that some server would take apart is refused with setting, path and remedy: %j',
  (path) => {
    expect(() => refuseUnusablePath('TRIBUTARY_HOME', path)).toThrow(
      `TRIBUTARY_HOME can't be ${JSON.stringify(path)}: the servers take`,
    )
  },
)

test('a path that PostgreSQL could not hold is refused', () => {
  expect(() => refuseUnusablePath('TRIBUTARY_HOME', `/${'é'.repeat(450)}`)).toThrow('901 bytes')
})

test('the folder that others may not enter is named, also behind a link', () => {
  const closed = join(folder, 'closed')
  mkdirSync(join(closed, 'in'), { recursive: true })
  symlinkSync(join(closed, 'in'), join(folder, 'link'))
  expect(reachable(join(folder, 'link', 'missing'))).toBe(true)
  chmodSync(closed, 0o700)
  expect(closedFolder(join(closed, 'in', 'missing'))).toBe(closed)
  expect(closedFolder(join(folder, 'link', 'missing'))).toBe(closed)
})

test('what a strict umask closed is opened to readers, and nothing becomes writable or a program', () => {
  const inner = join(folder, 'a')
  mkdirSync(inner, { mode: 0o700 })
  writeFileSync(join(inner, 'program'), '', { mode: 0o700 })
  writeFileSync(join(inner, 'text'), '', { mode: 0o600 })
  expect(openToAll(inner)).toBe(false)
  openForAll(inner)
  expect(openToAll(inner)).toBe(true)
  const modes = [inner, join(inner, 'program'), join(inner, 'text')].map((path) => statSync(path).mode & 0o777)
  expect(modes).toEqual([0o755, 0o755, 0o644])
})

test('a folder that is not there is as writable as the one it would be made in', () => {
  expect(writable(join(folder, 'a', 'b'))).toBe(true)
  writeFileSync(join(folder, 'file'), '')
  expect(writable(join(folder, 'file', 'b'))).toBe(false)
})
