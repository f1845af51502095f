import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import type { Changes } from './changes.ts'
import { Refused } from './refused.ts'

const COMPOSE = 'docker-compose.yml'

export interface Written {
  readonly created: readonly string[]
  readonly changed: readonly string[]
  /** What the user has to know of a project that can't be loaded. */
  readonly warning?: string
}

/**
 * Writes what is planned, and docker-compose.yml anew where the project has one; then loads the project. Where it can't be
 * loaded with the changes, and could be before, everything is put back and `Refused` thrown.
 */
export function writeAll(changes: Changes): Written {
  const compose = join(changes.root, COMPOSE)
  const before = existsSync(compose) ? readFileSync(compose, 'utf8') : undefined
  const load = () => tributary(changes.root, before === undefined ? ['describe', '--json'] : ['compose', 'generate'])
  changes.write()
  const { created, changed } = changes.written
  const fault = load()
  if (fault === undefined) {
    const recomposed = before !== undefined && readFileSync(compose, 'utf8') !== before
    return { created, changed: [...changed, ...(recomposed ? [COMPOSE] : [])] }
  }
  changes.undo()
  const earlier = load()
  if (before !== undefined) writeFileSync(compose, before)
  if (earlier === undefined) throw new Refused(`nothing is added: the project couldn't be loaded with it\n${fault}`)
  changes.write()
  const stale = before === undefined ? '' : `; then run \`npx --no tributary compose generate\``
  return {
    created,
    changed,
    warning: `the project can't be loaded, and couldn't be before. Mend it${stale}:\n${earlier}`,
  }
}

/** What a command of the project says when it fails; undefined when it doesn't. A new process: this one has old modules. */
function tributary(root: string, args: readonly string[]): string | undefined {
  const entry = join(import.meta.dirname, `../tributary${extname(import.meta.filename)}`)
  const { status, stderr } = spawnSync(process.execPath, [entry, ...args], { cwd: root, encoding: 'utf8' })
  return status === 0 ? undefined : stderr.trim()
}
