import { spawn } from 'node:child_process'
import { basename, extname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Fault, Project } from './project.ts'

/** What the loading of a project came to: without a project where its config can't be loaded. */
export interface Loaded {
  readonly project?: Project
  readonly faults: readonly Fault[]
}

const program = fileURLToPath(new URL(`./load-project${extname(import.meta.filename)}`, import.meta.url))
/** Where the package's own modules are, which may be the project's to edit. */
const packageFolder = join(import.meta.dirname, '../..')

/**
 * Loads a project, each time as it is then, in a process of its own: a module that is loaded can't be loaded anew, and what
 * doesn't load must take nothing with it. A process that stands by has loaded already what no save changes, which is most.
 */
export class Loader implements Disposable {
  readonly #root: string
  readonly #home: string
  #next: Loading | undefined
  #current: Loading | undefined
  #closed = false

  /**
   * @param root the project's folder
   * @param home where what was compiled is kept
   */
  constructor(root: string, home: string) {
    this.#root = root
    this.#home = home
  }

  /** Makes the next `load` a quick one. Returns at once. */
  standBy(): void {
    if (this.#closed || this.#next?.lives()) return
    this.#next = begin(this.#root, this.#home)
  }

  /** @param changed files that changed since: where what stands by has loaded one of them, it is of no use */
  load(changed: readonly string[] = []): Promise<Loaded> {
    if (changed.some(isLoadedAhead)) this.#next?.end()
    const loading = this.#next?.lives() ? this.#next : begin(this.#root, this.#home)
    this.#next = undefined
    this.#current = loading
    return loading.load()
  }

  /** A load that is under way rejects. */
  close(): void {
    this.#closed = true
    this.#next?.end()
    this.#current?.end()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/** The project as it is now. */
export function readProject(root: string, home: string): Promise<Loaded> {
  return begin(root, home).load()
}

const isLoadedAhead = (file: string) =>
  file.startsWith(`${packageFolder}/`) || ['package.json', 'package-lock.json'].includes(basename(file))

interface Loading {
  lives(): boolean
  load(): Promise<Loaded>
  end(): void
}

function begin(root: string, home: string): Loading {
  const child = spawn(process.execPath, [program], {
    cwd: root,
    env: { ...process.env, NODE_COMPILE_CACHE: join(home, 'compile-cache') },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let said = ''
  let loaded: Loaded | undefined
  let alive = true
  let ended = false
  child.stderr!.on('data', (chunk) => {
    said = (said + chunk).slice(-8_000)
  })
  child.on('message', (message) => {
    loaded = message as Loaded
  })
  child.on('exit', () => {
    alive = false
  })
  const result = new Promise<Loaded>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      // Code of the project may end the process, or throw where nobody waits for it.
      if (loaded) resolve(loaded)
      else if (ended) reject(new Error('the loading of the project was given up'))
      else resolve({ faults: [faultOf(said.trim() || `loading the project ended with status ${code}`, root)] })
    })
  })
  result.catch(() => {})
  return {
    lives: () => alive && !ended,
    load() {
      // One that has ended already takes no message: how it ended is the answer.
      child.send('load', () => {})
      return result
    },
    end() {
      ended = true
      child.kill('SIGKILL')
    },
  }
}

/** A fault by the stack of what was thrown. */
export function faultOf(stack: string, root: string): Fault {
  const trace = /^ {4}at /m
  const at = stack.search(trace)
  const head = (at < 0 ? stack : stack.slice(0, at)).trim()
  const place = placeIn(stack, root)
  // What the engine says of a file's syntax begins with the place and the line itself.
  const message = head.replace(/^file:\/\/\S+\n/, '').replace(/^Error(?: \[\w+\])?: /, '')
  return { place, message: message.replaceAll(`${root}/`, '') }
}

/** The first place within the project that a stack names. */
function placeIn(stack: string, root: string): string | undefined {
  for (const [, url, line] of stack.matchAll(/(file:\/\/[^\s)]+?\.[cm]?[jt]s):(\d+)/g)) {
    const file = fileURLToPath(url!)
    if (file.startsWith(`${root}/`) && !file.includes('/node_modules/')) return `${relative(root, file)}:${line}`
  }
  const [, importer] = / imported from (\/\S.*?\.[cm]?[jt]s)$/m.exec(stack) ?? []
  return importer?.startsWith(`${root}/`) ? relative(root, importer) : undefined
}
