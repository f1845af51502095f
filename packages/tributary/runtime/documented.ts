import { existsSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { project } from './project.ts'

/**
 * Where a page of the documentation is, from the project's folder: it is packed with the package; beside the package's sources it is the repository's own.
 * @param page e.g. `guide/own-servers.md`
 */
export function documented(page: string): string {
  const packed = fileURLToPath(new URL(`../docs/${page}`, import.meta.url))
  return existsSync(packed) ? relative(project, packed) : `docs/${page}`
}
