import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

const repository = join(import.meta.dirname, '../..')

/** What `make load` says; its prerequisite, the installed packages, is taken for up to date (`-o`). */
function makeLoad(...variables: string[]): Promise<string> {
  const args = ['-o', 'node_modules/.package-lock.json', 'load', ...variables]
  return new Promise((resolve) => {
    execFile('make', args, { cwd: repository }, (_, stdout, stderr) => resolve(stdout + stderr))
  })
}

test.each(['my data', "the seller's", '$(touch x); `touch x`', '-v'])(
  'a folder may be called %j and is taken as it is',
  async (name) => {
    const parent = await mkdtemp(join(tmpdir(), 'tributary-load-'))
    onTestFinished(() => rm(parent, { recursive: true }))
    const folder = join(parent, name)
    await mkdir(folder)
    // The folder is empty: the first file that is missing is named, in the folder as it was given.
    expect(await makeLoad(`DATA=${folder.replaceAll('$', '$$$$')}`)).toContain(
      `${folder}/olist_orders_dataset.csv is missing`,
    )
  },
)

test('without a folder it is said how to name one', async () => {
  expect(await makeLoad()).toContain('make load DATA=<folder>')
})
