import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { waitUntil } from '#testing/wait-until'
import { foldersWithin, type WatchedFiles, watchFiles } from './watch-files.ts'

let folder: string
let watched: WatchedFiles
let told: string[][]
const at = (name: string) => join(folder, name)
const names = () => told.flat().map((file) => file.slice(folder.length + 1))

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-watch-'))
  told = []
  writeFileSync(at('a.ts'), '1')
  writeFileSync(at('b.ts'), '1')
  watched = watchFiles((files) => void told.push([...files]))
  watched.watch(foldersWithin(folder))
})
afterEach(() => {
  watched.close()
  rmSync(folder, { recursive: true, force: true })
})

/** The change of a file of its own, after which what came before must have been told. */
async function afterwards(): Promise<string[]> {
  writeFileSync(at('last.ts'), String(Math.random()))
  await waitUntil('the last change is told', () => names().includes('last.ts'))
  return names().filter((name) => name !== 'last.ts')
}

test('a file that is written in several steps is told once', async () => {
  for (const text of ['2', '23', '234']) writeFileSync(at('a.ts'), text)
  await waitUntil('it is told', () => told.length > 0)
  expect(await afterwards()).toEqual(['a.ts'])
})

test('a file that an editor replaces by a renamed one is told each time, its scratch files are not', async () => {
  for (const text of ['2', '3']) {
    told = []
    writeFileSync(at('a.ts~'), text)
    writeFileSync(at('4913'), '')
    rmSync(at('4913'))
    renameSync(at('a.ts~'), at('a.ts'))
    await waitUntil('it is told', () => names().includes('a.ts'))
    expect(names()).toEqual(['a.ts'])
  }
})

test('the same content again is no change, nor is a file that came and went', async () => {
  writeFileSync(at('a.ts'), '1')
  writeFileSync(at('c.ts'), '1')
  rmSync(at('c.ts'))
  expect(await afterwards()).toEqual([])
})

test('a file that is removed is a change, and so is its coming back', async () => {
  rmSync(at('a.ts'))
  await waitUntil('its end is told', () => names().includes('a.ts'))
  told = []
  writeFileSync(at('a.ts'), '1')
  await waitUntil('it is told that it is back', () => names().includes('a.ts'))
})

test('a folder that is new, and one that was removed and is back, are watched with what they hold', async () => {
  for (const text of ['1', '2']) {
    told = []
    mkdirSync(at('new/within'), { recursive: true })
    writeFileSync(at('new/within/c.ts'), text)
    await waitUntil('the folder is told', () => names().includes('new'))
    watched.watch(foldersWithin(folder))
    await waitUntil('its file is told', () => names().includes('new/within/c.ts'))
    told = []
    writeFileSync(at('new/within/c.ts'), `${text} and more`)
    await waitUntil('its change is told', () => names().includes('new/within/c.ts'))
    rmSync(at('new'), { recursive: true })
    await waitUntil('its end is told', () => names().includes('new'))
    watched.watch(foldersWithin(folder))
  }
})

test('what a folder from elsewhere holds is no change, what changes in it is', async () => {
  const elsewhere = mkdtempSync(join(tmpdir(), 'tributary-elsewhere-'))
  onTestFinished(() => rmSync(elsewhere, { recursive: true, force: true }))
  writeFileSync(join(elsewhere, 'd.ts'), '1')
  watched.watch([...foldersWithin(folder), elsewhere])
  expect(await afterwards()).toEqual([])
  writeFileSync(join(elsewhere, 'd.ts'), '2')
  await waitUntil('its change is told', () => told.flat().includes(join(elsewhere, 'd.ts')))
})

test('installed and hidden folders are left alone', () => {
  for (const name of ['node_modules/x', '.git', 'src/deep']) mkdirSync(at(name), { recursive: true })
  expect(foldersWithin(folder)).toEqual([folder, at('src'), at('src/deep')])
})
