import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')
const kept = join(root, '.tributary')
const DAY_MS = 86_400_000

/**
 * The folder that packages/build.ts makes: the packages as they are published, with a tarball of each. It is built once for
 * all that the packages are made from, since that takes longer than most tests; who uses it changes nothing in it.
 */
export function builtPackages(): string {
  const folder = join(kept, `built-${stateOfSources()}`)
  if (existsSync(folder)) return folder
  mkdirSync(kept, { recursive: true })
  for (const name of readdirSync(kept)) {
    const old = join(kept, name)
    if (name.startsWith('built-') && statSync(old).mtimeMs < Date.now() - DAY_MS) rmSync(old, { recursive: true })
  }
  const own = `${folder}-${process.pid}`
  execFileSync('node', ['packages/build.ts', own], { cwd: root, stdio: 'ignore' })
  // As npm leaves it when it installs the package.
  chmodSync(join(own, 'tributary/tributary.js'), 0o755)
  try {
    renameSync(own, folder)
  } catch (error) {
    // Another was faster.
    rmSync(own, { recursive: true })
    if (!existsSync(folder)) throw error
  }
  return folder
}

function stateOfSources(): string {
  const hash = createHash('sha256')
  const from = ['packages/**', 'docs/**', 'LICENSE', 'README.md', 'tsconfig.json', 'package-lock.json']
  const files = globSync(from, { cwd: root, exclude: ['**/node_modules'] }).sort()
  for (const file of files) {
    if (statSync(join(root, file)).isFile()) hash.update(`${file}\0`).update(readFileSync(join(root, file)))
  }
  return hash.digest('hex').slice(0, 12)
}
