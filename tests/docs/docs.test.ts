import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { builtPackages } from '../harness/built.ts'
import { applyEdit, type Page, parsePage, saysSo } from './page.ts'
import { coursePages, otherPages } from './pages.ts'
import { bash, besideMarketplace, type Followed, follow, newLibrary, type } from './project.ts'

const followed: Followed[] = []
afterAll(() => {
  for (const { remove } of followed) remove()
})

/** The compiler takes its declarations as they are, where it would check the sources of a link to the repository's. */
const builtPackage = join(builtPackages(), 'tributary')

/** A project's tests of topologies need no database: none is started for them. */
const noServers = { TEST_POSTGRES_URL: 'postgres://nobody@127.0.0.1:1' }

/** Does all that a page says and needs no server; then everything in the folder has to be well typed. */
async function followAll(folder: string, page: Page): Promise<void> {
  for (const block of page.blocks) {
    follow(folder, page, block)
    if (block.kind === 'command' && !block.stack) await type(folder, page, block, noServers)
  }
  const typed = page.blocks.some(({ kind }) => kind === 'write' || kind === 'edit' || kind === 'snippet')
  if (typed) expect(await bash(folder, 'tsc --noEmit --singleThreaded -p .')).toEqual({ exit: 0, said: '' })
}

test('every code block says what it is for, so that none goes unchecked', () => {
  expect([...coursePages, ...otherPages].flatMap(({ unmarked }) => unmarked)).toEqual([])
})

describe('the guide, page after page in one project', () => {
  let library: Followed | undefined
  afterAll(() => library?.remove())
  test.each(coursePages.map((page) => [page.path, page] as const))(
    '%s',
    async (_, page) => {
      library ??= newLibrary('course', builtPackage)
      await followAll(library.folder, page)
    },
    300_000,
  )
})

test.each(otherPages.map((page) => [page.path, page] as const))(
  '%s',
  async (_, page) => {
    const project = page.project === 'library' ? newLibrary(page.name, builtPackage) : besideMarketplace(page.name)
    followed.push(project)
    await followAll(project.folder, page)
  },
  300_000,
)

describe('how pages are read', () => {
  test('a block without a mark is named by its line', () => {
    const { blocks, unmarked } = parsePage('a.md', '# A\n\n```json\n{}\n```\n\n```json not-run="for show"\n{}\n```\n')
    expect([unmarked, blocks.map(({ kind }) => kind)]).toEqual([['a.md:3'], ['not-run']])
  })

  test('a text behind a command is what it says, also from within a comment', () => {
    const { blocks } = parsePage('a.md', '<!--\n```sh\nls\n```\n-->\n```text\na … c\n```\n')
    expect(blocks).toMatchObject([{ kind: 'command', code: 'ls\n', stack: false, says: 'a … c\n' }])
    expect([saysSo('a b\nb c d', 'a … c'), saysSo('a b', 'a … c')]).toEqual([true, false])
  })

  test('an edit changes what it names, and is refused where that is not there once', () => {
    expect(applyEdit('a\nb\nc\n', ' a\n-b\n+B\n@@\n c\n+d\n')).toBe('a\nB\nc\nd\n')
    expect(() => applyEdit('a\n', ' b\n+c\n')).toThrow('it has not')
    expect(() => applyEdit('a\na\n', ' a\n+c\n')).toThrow('more than once')
  })
})
