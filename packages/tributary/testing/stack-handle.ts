import { type ChildProcess, spawn } from 'node:child_process'
import { readStackSettings, repository } from '#stack/environment'
import { entry } from '#stack/own-processes'
import { shapeOf } from '#stack/shape'
import { type StackStatus, type Urls, urlsOf } from '#stack/status'
import { loadSystem } from '#system/load'

/** What the project's system needs of the computer. */
export const shape = shapeOf(await loadSystem())

export interface CommandResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A running stack of its own, as a test sees it. */
export interface Stack {
  readonly home: string
  /** Everything a process of this stack may read: addresses, ports, secrets. */
  readonly env: Readonly<Record<string, string>>
  readonly urls: Urls
  /** Runs `tributary …` against this stack, to its end. */
  tributary(args: readonly string[], options?: { timeoutMs?: number }): Promise<CommandResult>
  /** Starts `tributary …` against this stack and leaves it running; the test ends it. `more` goes on top of `env`. */
  start(args: readonly string[], more?: Readonly<Record<string, string>>): ChildProcess
  status(): Promise<StackStatus>
}

/** A handle on a stack whose settings are known. */
export function stackAt(env: Readonly<Record<string, string>>): Stack {
  const { home, ports, given } = readStackSettings(shape, env)
  const whole = { ...process.env, ...env }
  const start = (args: readonly string[], more: Readonly<Record<string, string>> = {}) =>
    spawn(process.execPath, [entry, ...args], {
      cwd: repository,
      env: { ...whole, ...more },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  const tributary = (args: readonly string[], { timeoutMs = 120_000 } = {}) =>
    new Promise<CommandResult>((resolve, reject) => {
      const child = start(args)
      let stdout = ''
      let stderr = ''
      child.stdout!.on('data', (chunk) => {
        stdout += chunk
      })
      child.stderr!.on('data', (chunk) => {
        stderr += chunk
      })
      const timer = setTimeout(() => {
        child.kill('SIGKILL')
        reject(new Error(`tributary ${args.join(' ')} took longer than ${timeoutMs} ms\n${stdout}\n${stderr}`))
      }, timeoutMs)
      child.on('error', reject)
      child.on('close', (code) => {
        clearTimeout(timer)
        resolve({ code: code ?? 1, stdout, stderr })
      })
    })
  return {
    home,
    env,
    urls: urlsOf({ shape, ports, given }),
    tributary,
    start,
    async status() {
      const { stdout, stderr } = await tributary(['status', '--json'])
      if (!stdout) throw new Error(`tributary status failed: ${stderr}`)
      return JSON.parse(stdout) as StackStatus
    },
  }
}
