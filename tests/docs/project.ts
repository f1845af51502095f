import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { applyEdit, type Block, type Page, saysSo } from './page.ts'

export const repository = join(import.meta.dirname, '..', '..')
const programs = join(repository, 'node_modules/.bin')

/** A project that pages are followed in. */
export interface Followed {
  readonly folder: string
  remove(): void
}

/** A new project as `npm create` makes it; its package is a link. @param installed to where: the repository's, if not said */
export function newLibrary(name: string, installed = join(repository, 'node_modules/tributary')): Followed {
  const { folder, remove } = newFolder(name)
  const project = join(folder, 'library')
  execFileSync('node', [join(repository, 'packages/create/create.js'), project], { stdio: 'ignore' })
  const own = join(project, 'node_modules/.bin')
  mkdirSync(own, { recursive: true })
  for (const program of readdirSync(programs)) symlinkSync(join(programs, program), join(own, program))
  symlinkSync(installed, join(project, 'node_modules/tributary'))
  const { bin } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
  rmSync(join(own, 'tributary'))
  symlinkSync(join('../tributary', bin.tributary), join(own, 'tributary'))
  // The package's sources are checked once, and not again with every page.
  const config = join(project, 'tsconfig.json')
  writeFileSync(config, readFileSync(config, 'utf8').replace('"noEmit": true', '"noEmit": true, "incremental": true'))
  // What `make` takes for an installation.
  writeFileSync(join(project, 'node_modules/.package-lock.json'), '')
  // Every request that is refused is a command that fails.
  writeFileSync(join(project, '.curlrc'), 'fail-with-body\n')
  return { folder: project, remove }
}

/** A folder for snippets that are about the marketplace. */
export function besideMarketplace(name: string): Followed {
  const { folder, remove } = newFolder(name)
  const compilerOptions = { noUnusedLocals: false, noUnusedParameters: false }
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: join(repository, 'tsconfig.json'), compilerOptions, include: ['**/*.ts'], exclude: [] }),
  )
  return { folder, remove }
}

/** Below the repository, so that what projects depend on is found in the repository's node_modules. */
function newFolder(name: string): Followed {
  const folder = join(repository, '.tributary', `docs-${process.pid}-${name}`)
  mkdirSync(folder, { recursive: true })
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

/** Does what a page says, but for commands. Throws with the place where it can't be done. */
export function follow(folder: string, { path, name, blocks }: Page, block: Block): void {
  try {
    const { code } = block
    if (block.kind === 'write') write(join(folder, block.file), code)
    if (block.kind === 'edit') {
      const file = join(folder, block.file)
      writeFileSync(file, applyEdit(readFileSync(file, 'utf8'), code))
    }
    if (block.kind === 'excerpt' && !flat(readFileSync(join(folder, block.file), 'utf8')).includes(flat(code)))
      throw new Error(`${block.file} has no such lines`)
    if (block.kind === 'snippet') {
      const before = blocks.filter((other) => other.kind === 'setup' && other.line < block.line)
      const setup = before.slice(
        Math.max(
          0,
          before.findLastIndex((other) => other.kind === 'setup' && other.anew),
        ),
      )
      const text = [...setup.map((other) => other.code), code, 'export {}\n'].join('\n')
      write(join(folder, 'snippets', `${name}-${block.line}.ts`), text)
    }
  } catch (error) {
    throw new Error(`${path}:${block.line}: ${(error as Error).message}`)
  }
}

const flat = (text: string) => text.replace(/\s+/g, ' ').trim()

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}

/** Types a command, and throws with its place when it doesn't end, or doesn't say, as the page has it. */
export async function type(
  folder: string,
  { path }: Page,
  { line, code, exits, says }: Extract<Block, { kind: 'command' }>,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { exit, said } = await bash(folder, code, env)
  if (exit !== exits) throw new Error(`${path}:${line} ends with ${exit}, not ${exits}:\n${said}`)
  if (says !== undefined && !saysSo(said, says)) throw new Error(`${path}:${line} says something else:\n${said}`)
}

/** What a shell says of a command in a folder, and how it ends. One that takes longer is killed. */
export function bash(cwd: string, code: string, env: Readonly<Record<string, string>> = {}, timeout = 120_000) {
  const whole: NodeJS.ProcessEnv = {
    ...process.env,
    NO_COLOR: '1',
    CURL_HOME: cwd,
    ...env,
    PATH: `${programs}:${process.env.PATH}`,
  }
  // A test that runs in Vitest isn't one of its workers.
  for (const name of Object.keys(whole)) if (/^(VITEST|FORCE_COLOR|NODE_ENV|TEST$)/.test(name)) delete whole[name]
  return new Promise<{ exit: number; said: string }>((resolve) =>
    // Node's pipes look to bash like the network, for which it reads what somebody set up for themselves.
    execFile('bash', ['--norc', '-euo', 'pipefail', '-c', code], { cwd, env: whole, timeout }, (error, out, err) =>
      resolve({ exit: error ? Number(error.code ?? 1) : 0, said: out + err }),
    ),
  )
}
