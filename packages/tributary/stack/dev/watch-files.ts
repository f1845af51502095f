import { createHash } from 'node:crypto'
import { type FSWatcher, readdirSync, readFileSync, statSync, watch } from 'node:fs'
import { dirname, join } from 'node:path'
import { isOutside } from './project.ts'

/** An editor may write a file in several steps; a tool (git, a formatter) many files. */
const QUIET_MS = 60
const LONGEST_MS = 400

export interface WatchedFiles extends Disposable {
  /**
   * Watches exactly these folders, none of the folders within them. What a folder that came to be within a watched one
   * holds counts as changed, unless its content was known; one from elsewhere is taken as it is.
   */
  watch(folders: Iterable<string>): void
  close(): void
}

/**
 * Tells which files have another content than before: written in place, replaced by a renamed one, gone, or back again.
 * Folders are watched one by one, since a file that is watched itself is lost when another takes its place.
 * @param changed is called when it has been quiet for a moment; absolute paths
 */
export function watchFiles(changed: (files: readonly string[]) => void): WatchedFiles {
  const watchers = new Map<string, { readonly inode: number; readonly watcher: FSWatcher }>()
  /** What isn't there has none. */
  const contents = new Map<string, string | undefined>()
  const touched = new Set<string>()
  let first = 0
  let timer: NodeJS.Timeout | undefined

  const touch = (file: string) => {
    if (isOutside(file)) return
    if (touched.size === 0) first = Date.now()
    touched.add(file)
    clearTimeout(timer)
    timer = setTimeout(tell, Math.max(0, Math.min(QUIET_MS, first + LONGEST_MS - Date.now())))
  }
  const tell = () => {
    const files = [...touched].filter((file) => {
      const content = contentOf(file)
      const same = contents.get(file) === content
      contents.set(file, content)
      return !same
    })
    touched.clear()
    if (files.length > 0) changed(files)
  }
  const close = (folder: string) => {
    watchers.get(folder)?.watcher.close()
    watchers.delete(folder)
  }
  const open = (folder: string, isNew: boolean) => {
    const inode = inodeOf(folder)
    const before = watchers.get(folder)
    if (before?.inode === inode) return
    close(folder)
    if (inode === undefined) return
    const watcher = watch(folder, (_, name) => name !== null && touch(join(folder, name)))
    // The folder is gone: its parent tells, and it is opened again when it is back.
    watcher.on('error', () => close(folder))
    watchers.set(folder, { inode, watcher })
    for (const one of readdirSync(folder, { withFileTypes: true })) {
      const file = join(folder, one.name)
      if (!one.isFile()) continue
      if (isNew) touch(file)
      else contents.set(file, contentOf(file))
    }
  }
  const closeAll = () => {
    clearTimeout(timer)
    for (const folder of [...watchers.keys()]) close(folder)
  }
  return {
    watch(folders) {
      const wanted = new Set(folders)
      const before = new Set(watchers.keys())
      for (const folder of before) if (!wanted.has(folder)) close(folder)
      for (const folder of wanted) open(folder, isWithin(folder, before))
    },
    close: closeAll,
    [Symbol.dispose]: closeAll,
  }
}

function isWithin(folder: string, others: ReadonlySet<string>): boolean {
  const above = dirname(folder)
  return above !== folder && (others.has(above) || isWithin(above, others))
}

/** A fingerprint of a file's content, `folder` for a folder; undefined where there is nothing. */
function contentOf(file: string): string | undefined {
  try {
    return createHash('sha256').update(readFileSync(file)).digest('base64')
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EISDIR' ? 'folder' : undefined
  }
}

function inodeOf(folder: string): number | undefined {
  try {
    return statSync(folder).ino
  } catch {
    return undefined
  }
}

/** A folder and every folder within it, but for those that are installed or hidden. */
export function foldersWithin(folder: string): readonly string[] {
  try {
    const within = readdirSync(folder, { withFileTypes: true }).filter(
      (one) => one.isDirectory() && one.name !== 'node_modules' && !one.name.startsWith('.'),
    )
    return [folder, ...within.flatMap((one) => foldersWithin(join(folder, one.name)))]
  } catch {
    return []
  }
}
