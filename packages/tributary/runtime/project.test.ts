import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { faultOf, kindOf } from '#contracts/rules'
import { project } from './project.ts'

const home = process.cwd()
let folder: string
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'tributary-projects-')))
})
afterEach(() => {
  process.chdir(home)
  rmSync(folder, { recursive: true })
})

function newProject(name: string, maxBytes: number): string {
  const at = join(folder, name)
  mkdirSync(join(at, 'schemas'), { recursive: true })
  writeFileSync(join(at, 'tributary.config.ts'), '')
  const kinds = { id: { type: 'text', maxBytes, because: 'it is short' } }
  writeFileSync(
    join(at, 'schemas', 'rules.json'),
    JSON.stringify({ kinds, fields: { [`${name}Id`]: 'id' }, lists: {} }),
  )
  return at
}

test('two projects in one process have their own rules, each in its folder and below', () => {
  const one = newProject('one', 3)
  const two = newProject('two', 5)
  process.chdir(join(one, 'schemas'))
  expect([project(), kindOf('oneId'), kindOf('twoId')]).toEqual([one, 'id', undefined])
  expect(faultOf('id', 'four')).toMatch('at most 3')
  process.chdir(two)
  expect([project(), kindOf('oneId'), kindOf('twoId')]).toEqual([two, undefined, 'id'])
  expect(faultOf('id', 'four')).toBeUndefined()
})

test('outside of a project what doesn’t need one is imported all the same', () => {
  process.chdir(folder)
  expect(project).toThrow(`there is no tributary.config.ts in ${folder} or above it`)
  const rooms = ['contracts', 'engine', 'outbox', 'inbox', 'read-models', 'database', 'testing']
  const urls = rooms.map((room) => JSON.stringify(new URL(`../${room}/index.ts`, import.meta.url).href))
  const program = `for (const url of [${urls}]) await import(url); console.log('imported')`
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', program], { cwd: folder, encoding: 'utf8' })
  expect(said).toBe('imported\n')
})
