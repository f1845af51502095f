import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type pm2Module from 'pm2'
import { commandLine } from './leftovers.ts'
import type { Launch } from './native/servers.ts'
import type { Places } from './places.ts'

/** A process as the supervisor sees it. */
export interface Supervised {
  readonly name: string
  /** The supervisor's word: online, stopping, stopped, launching, errored, waiting restart. */
  readonly state: string
  readonly pid: number | undefined
  readonly restarts: number
  /** Since when it runs, ms since the epoch. */
  readonly since: number | undefined
  /** Fingerprint of the launch it was started with. */
  readonly definition: string
}

export interface Supervisor {
  list(): Promise<Supervised[]>
  start(name: string, launch: Launch, options: { definition: string; asServer: boolean }): Promise<void>
  /** Stops a process (SIGINT, after 20 s SIGKILL) and forgets it. */
  remove(name: string): Promise<void>
  close(): void
}

const pidFile = (places: Places) => join(places.supervisor, 'pm2.pid')

/** The pid of this home's supervisor daemon, when it lives. */
export function supervisorPid(places: Places): number | undefined {
  let pid: number
  try {
    pid = Number(readFileSync(pidFile(places), 'utf8'))
  } catch {
    return undefined
  }
  return commandLine(pid)?.includes(`God Daemon (${places.supervisor})`) ? pid : undefined
}

/**
 * Timers of this process, and of all it starts from now on, may be up to a millisecond late. Debezium waits for whole
 * milliseconds and spins through the rest of each poll: with six connectors and polls every 20 ms, a twelfth of a core.
 * On Linux only (https://man7.org/linux/man-pages/man2/PR_SET_TIMERSLACK.2const.html).
 */
function slackenTimers(): void {
  try {
    writeFileSync('/proc/self/timerslack_ns', '1000000')
  } catch {
    // Not Linux, or it doesn't let us: then it costs what it costs.
  }
}

/**
 * Connects to this home's PM2 daemon, starting it where it isn't running.
 * PM2 reads its folder from the environment when it is first imported: one home per process.
 */
export async function openSupervisor(places: Places): Promise<Supervisor> {
  mkdirSync(places.supervisor, { recursive: true, mode: 0o700 })
  mkdirSync(places.logs, { recursive: true })
  if (supervisorPid(places) === undefined) {
    for (const file of ['pm2.pid', 'rpc.sock', 'pub.sock']) rmSync(join(places.supervisor, file), { force: true })
    slackenTimers()
  }
  Object.assign(process.env, {
    PM2_HOME: places.supervisor,
    PM2_DISCRETE_MODE: 'true',
    PM2_NO_INTERACTION: 'true',
    PM2_DISABLE_VERSION_CHECK: 'true',
    PM2_PROGRAMMATIC: 'true',
    PM2_SILENT: 'true',
  })
  const pm2: typeof pm2Module = (await import('pm2')).default
  await new Promise<void>((resolve, reject) =>
    pm2.connect((error) =>
      error ? reject(new Error(`the supervisor can't be started: ${describe(error)}`)) : resolve(),
    ),
  )
  const names = async () => (await listed()).map((one) => one.name)
  const listed = () =>
    new Promise<Supervised[]>((resolve, reject) =>
      pm2.list((error, found) => (error ? reject(error) : resolve(found.map(supervised)))),
    )
  return {
    list: listed,
    start: (name, launch, { definition, asServer }) =>
      new Promise((resolve, reject) => {
        const options = {
          name,
          script: launch.command,
          interpreter: 'none',
          args: [...launch.args],
          cwd: launch.cwd,
          // Nothing of the caller's environment reaches a process: each gets exactly what it may have.
          // (An empty word filters every variable; `true`, which the documentation names, filters none.)
          filter_env: [''],
          env: { ...launch.env, TRIBUTARY_DEFINITION: definition },
          autorestart: true,
          exp_backoff_restart_delay: 200,
          // Never give up: a server that is away for an hour must find its clients when it is back.
          max_restarts: Number.MAX_SAFE_INTEGER,
          kill_timeout: 20_000,
          // PostgreSQL and Elasticsearch end their own children in the right order.
          treekill: false,
          vizion: false,
          pmx: false,
          output: join(places.logs, `${name}.log`),
          error: join(places.logs, `${name}.log`),
          merge_logs: true,
          ...(asServer && places.account ? { uid: places.account.name } : {}),
        }
        pm2.start(options as unknown as pm2Module.StartOptions, (error) =>
          error ? reject(new Error(`${name} can't be started: ${describe(error)}`)) : resolve(),
        )
      }),
    async remove(name) {
      if (!(await names()).includes(name)) return
      await new Promise<void>((resolve, reject) =>
        pm2.delete(name, (error) =>
          error && !/not found/.test(describe(error)) ? reject(new Error(describe(error))) : resolve(),
        ),
      )
    },
    close: () => pm2.disconnect(),
  }
}

/** Ends the daemon after its processes are gone. */
export async function endSupervisor(places: Places): Promise<void> {
  const pid = supervisorPid(places)
  if (pid !== undefined) {
    process.kill(pid, 'SIGKILL')
    while (supervisorPid(places) !== undefined) await new Promise((resolve) => setTimeout(resolve, 20))
  }
  rmSync(places.supervisor, { recursive: true, force: true })
}

function supervised(found: pm2Module.ProcessDescription): Supervised {
  const env = (found.pm2_env ?? {}) as NonNullable<pm2Module.ProcessDescription['pm2_env']> & {
    TRIBUTARY_DEFINITION?: string
  }
  const online = env.status === 'online'
  return {
    name: found.name ?? '',
    state: env.status ?? 'stopped',
    pid: online && found.pid ? found.pid : undefined,
    restarts: env.restart_time ?? 0,
    since: online ? env.pm_uptime : undefined,
    definition: env.TRIBUTARY_DEFINITION ?? '',
  }
}

function describe(error: unknown): string {
  if (Array.isArray(error)) return error.map(describe).join(', ')
  return error instanceof Error ? error.message : String(error)
}
