import { accessSync, chmodSync, constants, existsSync, lstatSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** PostgreSQL takes paths of 1,023 bytes (MAXPGPATH), and puts its own below ours. */
const LONGEST = 800

/**
 * Characters that some server takes for the end of a path: `,` and `:` and `;` separate lists (Kafka's `log.dirs`,
 * Elasticsearch's `path.data`, Java's class path), `!` ends an archive's name, `${` begins a variable.
 */
const TROUBLE = /[,:;!]|\$\{|\p{Cc}/u

/** Throws when a folder's path is one that the servers can't use, naming setting, path and remedy. */
export function refuseUnusablePath(setting: string, path: string): void {
  const trouble = TROUBLE.exec(path)?.[0]
  if (trouble !== undefined) {
    throw new Error(
      `${setting} can't be ${JSON.stringify(path)}: the servers take ${JSON.stringify(trouble)} in a path for something else; choose a folder without it (blanks, quotes and letters of any script are welcome)`,
    )
  }
  const bytes = Buffer.byteLength(path)
  if (bytes > LONGEST) {
    throw new Error(`${setting} has a path of ${bytes} bytes, and PostgreSQL needs it below ${LONGEST}: ${path}`)
  }
}

/** Whether any user may pass through every folder of a path (the parts that exist), links followed. */
export function reachable(path: string): boolean {
  return closedFolder(path) === undefined
}

/** The first folder on a path, from below, that not every user may pass through; undefined when all may. */
export function closedFolder(path: string): string | undefined {
  for (const way of new Set([path, realPath(path)])) {
    for (let folder = way; ; folder = dirname(folder)) {
      const mode = modeOf(folder)
      if (mode !== undefined && (mode & 0o001) === 0) return folder
      if (folder === dirname(folder)) break
    }
  }
  return undefined
}

/** The path with the links of the parts that exist resolved. */
function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    const parent = dirname(path)
    return parent === path ? path : join(realPath(parent), path.slice(parent.length))
  }
}

function modeOf(path: string): number | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })?.mode
  } catch {
    // A file where a folder should be, or a folder that this user can't enter.
    return undefined
  }
}

/** Whether everybody may read all of a folder: looked for in the folder and what lies directly in it. */
export function openToAll(folder: string): boolean {
  const open = (path: string) => {
    const { mode } = statSync(path)
    return (mode & 0o004) !== 0 && (!(mode & 0o040000) || (mode & 0o001) !== 0)
  }
  return existsSync(folder) && open(folder) && readdirSync(folder).every((name) => open(join(folder, name)))
}

/** Lets everybody read a folder and all that is in it, and run what its owner may run. */
export function openForAll(folder: string): void {
  const found = lstatSync(folder)
  if (found.isSymbolicLink()) return
  chmodSync(folder, (found.mode & 0o7777) | 0o444 | (found.mode & 0o100 ? 0o111 : 0))
  if (found.isDirectory()) for (const name of readdirSync(folder)) openForAll(join(folder, name))
}

/** Whether this user may make files in a folder, or could make the folder itself. */
export function writable(path: string): boolean {
  for (let folder = path; ; folder = dirname(folder)) {
    try {
      accessSync(folder, constants.W_OK | constants.X_OK)
      return statSync(folder).isDirectory()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || folder === dirname(folder)) return false
    }
  }
}
