import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { homeMark } from './native/server.ts'
import type { Places } from './places.ts'
import type { Shape } from './shape.ts'
import { daemonCommand } from './supervisor/client.ts'

/** The command line of a process, words apart by one blank; undefined when there is none such. */
export function commandLine(pid: number): string | undefined {
  if (!Number.isInteger(pid) || pid <= 0) return undefined
  try {
    // Programs that rewrite their title leave zeros behind it.
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    if (process.platform === 'linux') return undefined
  }
  try {
    return execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).trim()
  } catch {
    return undefined
  }
}

/** Every process with its command line. */
function everyProcess(): Map<number, string> {
  if (process.platform === 'linux') {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
    return new Map(
      pids.flatMap((pid) => {
        const command = commandLine(Number(pid))
        return command ? [[Number(pid), command] as const] : []
      }),
    )
  }
  const lines = execFileSync('ps', ['-axww', '-o', 'pid=,command='], { encoding: 'utf8' }).split('\n')
  return new Map(
    lines.flatMap((line) => {
      const [, pid, command] = /^\s*(\d+)\s+(.*)$/.exec(line) ?? []
      return pid && command ? [[Number(pid), command] as const] : []
    }),
  )
}

/** How the command line of every process of this home is recognised. Nothing else is ever stopped. */
export function belongsTo(
  { processes }: Pick<Shape, 'processes'>,
  places: Pick<Places, 'home' | 'data' | 'mark'>,
): (command: string) => boolean {
  const ours = processes.flatMap((spec) => (spec.command ? [` --home ${places.home} ${spec.command.join(' ')}`] : []))
  const postgres = ` -D ${join(places.data, 'postgres', 'cluster')} `
  const java = `${homeMark(places)} `
  const daemon = daemonCommand(places.home)
  return (command) =>
    command.includes(java) ||
    (command.includes(postgres) && /postgres /.test(command)) ||
    command.endsWith(daemon) ||
    ours.some((end) => command.endsWith(end))
}

/** Processes of this home the supervisor doesn't know: what a killed supervisor, or a killed `up`, left behind. */
export function leftovers(shape: Shape, places: Places, supervisedPids: ReadonlySet<number>): Map<number, string> {
  const mine = belongsTo(shape, places)
  const found = new Map<number, string>()
  const all = everyProcess()
  for (const [pid, command] of all) {
    if (pid === process.pid || supervisedPids.has(pid) || !mine(command)) continue
    if (supervisedPids.has(parentOf(pid))) continue
    found.set(pid, command)
  }
  return found
}

/** A server may have a child that carries the same words (Elasticsearch's launcher and its server). */
function parentOf(pid: number): number {
  try {
    return Number(
      readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')[1],
    )
  } catch {
    try {
      return Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8' }))
    } catch {
      return 0
    }
  }
}

/** Asks leftovers to end, kills those that haven't after 15 s, returns when they are gone. */
export async function endLeftovers(found: ReadonlyMap<number, string>): Promise<void> {
  const signal = (pid: number, kind: NodeJS.Signals) => {
    // The pid may have ended, and even have become another program's: look again before every signal.
    if (commandLine(pid) !== found.get(pid)) return
    try {
      process.kill(pid, kind)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
  const alive = () => [...found].filter(([pid, command]) => commandLine(pid) === command).map(([pid]) => pid)
  for (const pid of alive()) signal(pid, 'SIGINT')
  const deadline = Date.now() + 15_000
  while (alive().length > 0) {
    if (Date.now() > deadline) for (const pid of alive()) signal(pid, 'SIGKILL')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
