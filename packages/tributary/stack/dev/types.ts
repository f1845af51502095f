import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { setPriority } from 'node:os'
import { dirname, join } from 'node:path'
import type { Screen } from './screen.ts'

/** The processes come first where there are few cores: the compiler has as many threads as it likes, each with a share of its own. */
const NICE = 19

/**
 * Checks the project's types with its own compiler, when it is told to: what was checked before is kept in the home, so
 * that only what a change reaches is checked again, and no compiler stays in memory.
 */
export class Types {
  readonly #root: string
  readonly #screen: Screen
  readonly #compiler: string | undefined
  readonly #kept: string
  #running: ChildProcess | undefined
  #faults: readonly string[] = []

  constructor(root: string, home: string, screen: Screen) {
    this.#root = root
    this.#screen = screen
    this.#kept = join(home, 'types.tsbuildinfo')
    this.#compiler = existsSync(join(root, 'tsconfig.json')) ? compilerOf(root) : undefined
    if (!this.#compiler)
      screen.say('types are not checked: the project has no tsconfig.json, or no typescript installed')
  }

  /** Returns at once. A check that is under way is given up. */
  check(): void {
    this.cancel()
    if (!this.#compiler) return
    const options = ['--noEmit', '--pretty', 'false', '--incremental', '--tsBuildInfoFile', this.#kept]
    // A group of its own: the compiler may be a child of what is started here.
    const child = spawn(process.execPath, [this.#compiler, ...options], {
      cwd: this.#root,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    this.#running = child
    lowerPriority(child.pid)
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        said += chunk
      })
    child.on('error', (error) => this.#screen.fault('types', `the compiler can't be started: ${error.message}`))
    child.on('close', (code) => {
      if (this.#running !== child) return
      this.#running = undefined
      this.#show(code === 0 ? [] : typeFaults(said))
    })
  }

  cancel(): void {
    const child = this.#running
    this.#running = undefined
    if (child?.pid === undefined || child.exitCode !== null) return
    try {
      process.kill(-child.pid, 'SIGTERM')
    } catch {
      // It has ended by itself.
    }
  }

  #show(faults: readonly string[]): void {
    const before = this.#faults
    this.#faults = faults
    const fresh = faults.filter((fault) => !before.includes(fault))
    for (const fault of fresh) this.#screen.fault('types', fault)
    if (faults.length === 0 && before.length > 0) this.#screen.well('types', 'types are well again')
    if (faults.length > 0 && faults.length !== fresh.length && faults.length !== before.length)
      this.#screen.say(`${faults.length} type faults are left`)
  }
}

/** What the compiler found, each as `file:line message`. */
export function typeFaults(said: string): readonly string[] {
  const faults: string[] = []
  for (const line of said.trimEnd().split('\n')) {
    const [, file, at, message] = /^(.+?)\((\d+),\d+\): error (TS\d+: .*)$/.exec(line) ?? []
    if (file) faults.push(`${file}:${at} ${message}`)
    // What explains a fault is indented below it; what has no place is about the settings.
    else if (/^\s/.test(line) && faults.length > 0) faults.push(`${faults.pop()}\n${line}`)
    else if (line !== '') faults.push(line.replace(/^error /, ''))
  }
  return faults
}

/** The program `tsc` that the project has installed. */
function compilerOf(folder: string): string | undefined {
  try {
    const manifest = createRequire(join(folder, 'package.json')).resolve('typescript/package.json')
    const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin: { tsc: string } }
    return join(dirname(manifest), bin.tsc)
  } catch {
    return undefined
  }
}

function lowerPriority(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, NICE)
  } catch {
    // It has ended already.
  }
}
