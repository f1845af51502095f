import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Launch, systemPath } from '../launch.ts'
import type { Places } from '../places.ts'
import { holderOf, startOf } from './holder.ts'
import { type Answer, onMessages, PROTOCOL, type Request, type Supervised, send } from './protocol.ts'

export type { Supervised } from './protocol.ts'

export interface Supervisor {
  /** Rejects when it doesn't answer. */
  list(): Promise<readonly Supervised[]>
  /** Starts a process and keeps it running. */
  start(name: string, launch: Launch, options: { definition: string; asServer: boolean }): Promise<void>
  /** Ends a process in good order, kills it after 20 s, and forgets it. */
  remove(name: string): Promise<void>
  /**
   * The same process anew, with its old definition.
   * @param options.onTrial whether it stays stopped, with its `lastEnd`, should it end soon and before `keep`
   */
  restart(name: string, options?: { onTrial?: boolean }): Promise<void>
  /** Ends a trial: it is well, and is kept running. */
  keep(name: string): Promise<void>
  /** When it can't be spoken to any more: it has ended, or `close` was called. */
  readonly gone: Promise<void>
  close(): void
}

const ANSWER_MS = 2_500
const START_MS = 30_000
/** Longer than the supervisor itself waits for a process that doesn't end. */
const STOP_MS = 40_000

const daemon = fileURLToPath(new URL(`./daemon${extname(import.meta.filename)}`, import.meta.url))
const pidFile = (places: Places) => join(places.supervisor, 'supervisor.pid')

/** How the process list shows the supervisor of a home. */
export const daemonCommand = (home: string): string => `/stack/supervisor/daemon.ts ${home}`

/** The pid of this home's supervisor, when it lives. */
export function supervisorPid(places: Places): number | undefined {
  return holderOf(pidFile(places))?.pid
}

/** Speaks with this home's supervisor, starting it where it isn't running. */
export async function openSupervisor(places: Places): Promise<Supervisor> {
  if (supervisorPid(places) === undefined) await startDaemon(places)
  const socket = await connected(join(places.supervisor, 'supervisor.sock'))
  const waiting = new Map<number, { take(answer: Answer): void; fail(error: Error): void }>()
  const pid = supervisorPid(places)
  onMessages<Answer>(socket, (answer) => waiting.get(answer.id)?.take(answer))
  const lost = (error?: Error) => {
    for (const one of waiting.values()) one.fail(error ?? new Error(`the supervisor (pid ${pid}) is gone`))
  }
  socket.on('error', lost)
  const gone = new Promise<void>((resolve) => {
    socket.on('close', () => {
      lost()
      resolve()
    })
  })
  let requests = 0

  const ask = (request: Request, patience: number): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const id = ++requests
      const done = (work: () => void) => {
        clearTimeout(timer)
        waiting.delete(id)
        work()
      }
      const fail = (error: Error) => done(() => reject(error))
      const timer = setTimeout(
        () => fail(new Error(`the supervisor (pid ${pid}) doesn't answer: ${patience} ms for \`${request.do}\``)),
        patience,
      )
      const take = (answer: Answer) => {
        if (answer.error !== undefined) fail(new Error(answer.error))
        else if (answer.protocol !== PROTOCOL)
          fail(new Error('the supervisor is of another version: run `make down` first'))
        else done(() => resolve(answer))
      }
      waiting.set(id, { take, fail })
      send(socket, { ...request, id })
    })

  return {
    list: async () => (await ask({ do: 'list' }, ANSWER_MS)).list ?? [],
    async start(name, launch, { definition, asServer }) {
      const { command, args, cwd, env, stopSignal = 'SIGTERM' } = launch
      const account = asServer && places.account ? places.account : undefined
      const log = join(places.logs, `${name}.log`)
      const what = { name, command, args, cwd, env, account, stopSignal, log, definition }
      await ask({ do: 'start', process: what }, ANSWER_MS)
    },
    remove: async (name) => void (await ask({ do: 'remove', name }, STOP_MS)),
    restart: async (name, { onTrial = false } = {}) => void (await ask({ do: 'restart', name, onTrial }, STOP_MS)),
    keep: async (name) => void (await ask({ do: 'keep', name }, ANSWER_MS)),
    gone,
    close: () => socket.destroy(),
  }
}

/** Ends the supervisor and what it still keeps. */
export async function endSupervisor(places: Places): Promise<void> {
  const holder = holderOf(pidFile(places))
  if (holder) {
    const gone = async (ms: number) => {
      for (const deadline = Date.now() + ms; startOf(holder.pid) === holder.started; ) {
        if (Date.now() > deadline) return false
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      return true
    }
    process.kill(holder.pid, 'SIGTERM')
    if (!(await gone(STOP_MS))) {
      process.kill(holder.pid, 'SIGKILL')
      await gone(STOP_MS)
    }
  }
  rmSync(places.supervisor, { recursive: true, force: true })
}

async function startDaemon(places: Places): Promise<void> {
  mkdirSync(places.supervisor, { recursive: true, mode: 0o700 })
  mkdirSync(places.logs, { recursive: true, mode: 0o755 })
  const log = join(places.logs, 'supervisor.log')
  const words = openSync(log, 'a', 0o640)
  try {
    const child = spawn(process.execPath, [daemon, places.home], {
      cwd: '/',
      // Whatever it starts is told its environment in full; for itself it needs none.
      env: { PATH: systemPath, TZ: 'UTC', NODE_COMPILE_CACHE: join(places.home, 'compile-cache') },
      stdio: ['ignore', words, words],
      detached: true,
    })
    child.unref()
    let ended: string | undefined
    child.on('error', (error) => {
      ended = error.message
    })
    child.on('exit', (code, signal) => {
      ended = signal ?? `status ${code}`
    })
    for (const deadline = Date.now() + START_MS; ; ) {
      if (supervisorPid(places) !== undefined && (await answers(places))) return
      // Another command may have been faster: its supervisor is as good.
      if (ended !== undefined && supervisorPid(places) === undefined)
        throw new Error(`the supervisor can't be started (${ended}); its last words (all: ${log}):\n${lastWords(log)}`)
      if (Date.now() > deadline) throw new Error(`the supervisor doesn't answer after ${START_MS / 1000} s: see ${log}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  } finally {
    closeSync(words)
  }
}

async function answers(places: Places): Promise<boolean> {
  try {
    const socket = await connected(join(places.supervisor, 'supervisor.sock'))
    socket.destroy()
    return true
  } catch {
    return false
  }
}

/** What a socket's address may hold on Linux (107) and macOS (103), bytes. */
const LONGEST_ADDRESS = 103

/** A folder with a longer path is stepped into for the moment of the call: connecting asks the system at once. */
function connected(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    let socket: Socket
    if (Buffer.byteLength(path) <= LONGEST_ADDRESS) {
      socket = connect(path)
    } else {
      const before = process.cwd()
      process.chdir(dirname(path))
      try {
        socket = connect('supervisor.sock')
      } finally {
        process.chdir(before)
      }
    }
    const timer = setTimeout(() => socket.destroy(new Error("the supervisor's socket can't be opened")), ANSWER_MS)
    socket.once('error', reject)
    socket.once('connect', () => {
      clearTimeout(timer)
      socket.off('error', reject)
      resolve(socket)
    })
  })
}

function lastWords(log: string): string {
  return readFileSync(log, 'utf8').trimEnd().split('\n').slice(-8).join('\n')
}
