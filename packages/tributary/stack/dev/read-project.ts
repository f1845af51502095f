import { spawn } from 'node:child_process'
import { extname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Fault, Project } from './project.ts'

/** What the loading of a project came to: without a project where its config can't be loaded. */
export interface Loaded {
  readonly project?: Project
  readonly faults: readonly Fault[]
}

const program = fileURLToPath(new URL(`./load-project${extname(import.meta.filename)}`, import.meta.url))

/**
 * Loads the project as it is now, in a process of its own: a module that is loaded can't be loaded anew, and what doesn't
 * load must take nothing with it.
 * @param root the project's folder
 * @param home where what was compiled is kept
 */
export function readProject(root: string, home: string, signal?: AbortSignal): Promise<Loaded> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program], {
      cwd: root,
      env: { ...process.env, NODE_COMPILE_CACHE: join(home, 'compile-cache') },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      ...(signal && { signal }),
    })
    let said = ''
    let loaded: Loaded | undefined
    child.stderr!.on('data', (chunk) => {
      said = (said + chunk).slice(-8_000)
    })
    child.on('message', (message) => {
      loaded = message as Loaded
    })
    child.on('error', reject)
    child.on('close', (code) => {
      // Code of the project may end the process, or throw where nobody waits for it.
      if (loaded) resolve(loaded)
      else resolve({ faults: [faultOf(said.trim() || `loading the project ended with status ${code}`, root)] })
    })
  })
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
