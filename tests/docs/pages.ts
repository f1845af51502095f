import { globSync } from 'node:fs'
import { type Page, readPage } from './page.ts'
import { repository } from './project.ts'

/** The pages that are followed one after the other in one project, in this order. */
const course = [
  'docs/start.md',
  ...['event', 'field', 'service', 'join', 'read-model', 'report', 'subscriber', 'end'].map(
    (name) => `docs/guide/${name}.md`,
  ),
]

const files = globSync(['docs/start.md', 'docs/guide/*.md', 'docs/reference/*.md'], { cwd: repository }).sort()

/** The tutorial. */
export const coursePages: readonly Page[] = course
  .filter((path) => files.includes(path))
  .map((path) => readPage(repository, path))
/** Every other page that has code; each stands for itself. */
export const otherPages: readonly Page[] = files
  .filter((path) => !course.includes(path))
  .map((path) => readPage(repository, path))
  .filter(({ blocks, unmarked }) => blocks.length + unmarked.length > 0)
