import {
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { Refused } from './refused.ts'

/** What is to be written into a project: nothing is, before all of it is known. Paths are those below the project. */
export class Changes {
  readonly root: string
  readonly #before = new Map<string, string | undefined>()
  readonly #after = new Map<string, string>()
  /** What was written, and the folders that were made for it. */
  readonly #done = new Set<string>()
  readonly #folders = new Set<string>()

  constructor(root: string) {
    this.root = root
  }

  /** A file as it will be; undefined where there is none. */
  find(path: string): string | undefined {
    const planned = this.#after.get(path)
    if (planned !== undefined) return planned
    const file = join(this.root, path)
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined
  }

  /** The same. Throws `Refused` where there is none. */
  read(path: string): string {
    const text = this.find(path)
    if (text === undefined) throw new Refused(`there is no ${path}, which every project has`)
    return text
  }

  /** Files of the project that match, sorted; those that are to be written are among them. */
  list(folder: string, ending: string): string[] {
    const there = globSync(`${folder}/**/*${ending}`, { cwd: this.root, exclude: ['**/node_modules/**'] })
    const planned = [...this.#after.keys()].filter((path) => path.startsWith(`${folder}/`) && path.endsWith(ending))
    return [...new Set([...there, ...planned])].sort()
  }

  /** A new file. Throws `Refused` where there is one already. */
  create(path: string, text: string): void {
    if (this.find(path) !== undefined) throw new Refused(`${path} is there already`)
    this.#set(path, text)
  }

  /** Another text of a file; nothing where it comes to the same. */
  change(path: string, edit: (text: string) => string): void {
    const text = this.read(path)
    const edited = edit(text)
    if (edited !== text) this.#set(path, edited)
  }

  /** New files, and those that are another. */
  get written(): { readonly created: string[]; readonly changed: string[] } {
    const paths = [...this.#after.keys()]
    const isNew = (path: string) => this.#before.get(path) === undefined
    return { created: paths.filter(isNew), changed: paths.filter((path) => !isNew(path)) }
  }

  /** Writes all of it, new files first and the config last, so that a project that is looked at meanwhile is whole. */
  write(): void {
    const { created, changed } = this.written
    const last = (path: string) => Number(path === 'tributary.config.ts')
    try {
      for (const path of [...created, ...changed.sort((a, b) => last(a) - last(b))]) {
        this.#replace(path, this.#after.get(path)!)
      }
    } catch (error) {
      this.undo()
      throw error
    }
  }

  /** Makes every file that was written what it was. */
  undo(): void {
    for (const path of this.#done) {
      const before = this.#before.get(path)
      if (before === undefined) rmSync(join(this.root, path), { force: true })
      else this.#replace(path, before)
      this.#done.delete(path)
    }
    // The deepest first, and only what is empty.
    for (const folder of [...this.#folders].sort((a, b) => b.length - a.length)) {
      if (readdirSync(folder).length === 0) rmdirSync(folder)
      this.#folders.delete(folder)
    }
  }

  #set(path: string, text: string): void {
    if (!this.#before.has(path)) this.#before.set(path, this.find(path))
    this.#after.set(path, text)
  }

  /** Whole or not at all. */
  #replace(path: string, text: string): void {
    const file = join(this.root, path)
    for (let folder = dirname(file); !existsSync(folder); folder = dirname(folder)) this.#folders.add(folder)
    mkdirSync(dirname(file), { recursive: true })
    const beside = `${file}.${process.pid}.tmp`
    try {
      writeFileSync(beside, text)
      renameSync(beside, file)
    } catch (error) {
      rmSync(beside, { force: true })
      throw error
    }
    this.#done.add(path)
  }
}
