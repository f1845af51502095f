import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { builtPackages } from './built.ts'

const root = join(import.meta.dirname, '../..')

/** A copy of a project that a test may change. It lies below the repository, where its dependencies are found. */
export class Copy {
  readonly root: string
  readonly #entry: string

  private constructor(name: string, entry: string) {
    this.root = join(root, '.tributary', `${name}-${process.pid}`)
    this.#entry = join(this.root, entry)
    mkdirSync(join(this.root, 'node_modules'), { recursive: true })
  }

  /** A project that was just created, on the package as it is published. */
  static ofTemplate(): Copy {
    const copy = new Copy('template', 'node_modules/tributary/tributary.js')
    rmSync(copy.root, { recursive: true })
    execFileSync('node', ['packages/create/create.js', copy.root], { cwd: root, stdio: 'ignore' })
    mkdirSync(join(copy.root, 'node_modules'))
    symlinkSync(join(builtPackages(), 'tributary'), join(copy.root, 'node_modules/tributary'))
    return copy
  }

  /** The marketplace, with the machine below it. */
  static ofMarketplace(): Copy {
    const copy = new Copy('marketplace', 'packages/tributary/tributary.ts')
    const left = new Set(['node_modules', '.git', '.tributary'])
    for (const entry of readdirSync(root).filter((name) => !left.has(name))) {
      cpSync(join(root, entry), join(copy.root, entry), { recursive: true })
    }
    symlinkSync('../packages/tributary', join(copy.root, 'node_modules/tributary'))
    return copy
  }

  /** What a program says, both ways, and how it ended. */
  run(command: string, ...args: readonly string[]): { readonly code: number | null; readonly says: string } {
    const PATH = `${join(root, 'node_modules/.bin')}:${process.env.PATH}`
    const { status, stdout, stderr } = spawnSync(command, args, {
      cwd: this.root,
      encoding: 'utf8',
      env: { ...process.env, PATH, NO_COLOR: '1' },
    })
    return { code: status, says: stdout + stderr }
  }

  /** The command line, in the copy. */
  tributary(...args: readonly string[]): ReturnType<Copy['run']> {
    return this.run(process.execPath, this.#entry, ...args)
  }

  /** Every file with its text. */
  files(): Map<string, string> {
    const paths = globSync('**/*', { cwd: this.root, exclude: ['node_modules', '.git'], withFileTypes: true })
    const files = paths.filter((path) => path.isFile()).map((path) => join(path.parentPath, path.name))
    return new Map(files.sort().map((file) => [file.slice(this.root.length + 1), readFileSync(file, 'utf8')]))
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true })
  }
}

/** Which files are new, changed or gone since then. */
export function differences(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>) {
  const created = [...after.keys()].filter((path) => !before.has(path))
  const changed = [...after].filter(([path, text]) => before.has(path) && before.get(path) !== text)
  const gone = [...before.keys()].filter((path) => !after.has(path))
  return { created, changed: changed.map(([path]) => path), gone }
}
