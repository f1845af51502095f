import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The file that says what a project's system is; its folder is the project's. */
export const CONFIG = 'tributary.config.ts'

/** The nearest folder, at or above another, that has a config; undefined where there is none. */
export function findProject(from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, CONFIG))) return folder
    if (folder === dirname(folder)) return undefined
  }
}

/** What is said where there is none. */
export const noProject = (folder: string) =>
  `there is no ${CONFIG} in ${folder} or above it: go into a project, or make one: \`npm create @tributary-cdc my-project\``
