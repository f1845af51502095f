import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'

/** A port somebody else listens on. */
export interface TakenPort {
  readonly variable: string
  readonly port: number
  /** Who listens there; undefined when the system doesn't tell. */
  readonly pid: number | undefined
  /** `pid 123 (nginx -g …)` */
  readonly holder: string | undefined
}

/** The error of taken ports, one line each, with the remedy. */
export function takenPortsMessage(taken: readonly TakenPort[]): string {
  const lines = taken.map(
    ({ variable, port, holder }) =>
      `  port ${port} (${variable}) is taken by ${holder ?? "a process this user can't see"}`,
  )
  return (
    `${taken.length === 1 ? 'a port is' : `${taken.length} ports are`} taken; nothing was started:\n${lines.join('\n')}\n` +
    'Stop what holds it, or give tributary another port in .env (see .env.example).'
  )
}

/** Which of these ports somebody listens on, on the loopback interface. */
export async function findTakenPorts(ports: ReadonlyMap<string, number>): Promise<TakenPort[]> {
  const taken: TakenPort[] = []
  for (const [variable, port] of ports) {
    if (!(await isFree(port))) taken.push({ variable, port, ...holderOf(port) })
  }
  return taken
}

/** `localhost` may mean either address: what listens on the other one would answer in our stead. */
async function isFree(port: number): Promise<boolean> {
  return (await isFreeOn('127.0.0.1', port)) && (await isFreeOn('::1', port))
}

function isFreeOn(host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false)
      else if (error.code === 'EACCES')
        reject(new Error(`port ${port} needs privileges to listen on: choose one above 1023 in .env`))
      // A machine without IPv6.
      else if (host === '::1') resolve(true)
      else reject(error)
    })
    probe.listen({ port, host, exclusive: true, ipv6Only: host === '::1' }, () => probe.close(() => resolve(true)))
  })
}

function holderOf(port: number): Pick<TakenPort, 'pid' | 'holder'> {
  const pid = askLsof(port) ?? askSs(port)
  return pid ? { pid: Number(pid), holder: `pid ${pid} (${commandOf(pid)})` } : { pid: undefined, holder: undefined }
}

function askLsof(port: number): string | undefined {
  return run('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-t'])?.split('\n')[0] || undefined
}

function askSs(port: number): string | undefined {
  return /pid=(\d+)/.exec(run('ss', ['-Hltnp', `sport = :${port}`]) ?? '')?.[1]
}

function commandOf(pid: string): string {
  let command: string | undefined
  try {
    command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    command = run('ps', ['-o', 'command=', '-p', pid])
  }
  return command && command.length > 120 ? `${command.slice(0, 117)}…` : command || 'its command is not known'
}

function run(program: string, args: readonly string[]): string | undefined {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return undefined
  }
}
