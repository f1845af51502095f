import { ConfigError } from './config.ts'
import { type Log, openLog } from './log.ts'

/** Something that runs until it is stopped. `failed` rejects when it can't go on. */
export interface Running {
  stop(): Promise<void>
  readonly failed?: Promise<never>
}

/** How long a stop may take before the process ends anyway. */
const STOP_MS = 15_000

/**
 * Runs a process: starts it, stops it in good order on SIGINT and SIGTERM, and ends it with status 1 and the reason
 * when it can't start or go on. A supervisor starts it again.
 */
export async function runProcess(name: string, start: (log: Log) => Promise<Running>): Promise<void> {
  const log = openLog(name)
  const fail = (error: unknown): never => {
    if (error instanceof ConfigError) process.stderr.write(`${name}: ${error.message}\n`)
    else log.fatal({ err: error }, `${name} stops: ${(error as Error)?.message ?? error}`)
    process.exit(1)
  }
  process.on('unhandledRejection', fail)
  process.on('uncaughtException', fail)

  let running: Running | undefined
  let stopping = false
  const stop = async (signal: string) => {
    if (stopping) return
    stopping = true
    log.info(`${signal}: stopping`)
    setTimeout(() => fail(new Error(`not stopped within ${STOP_MS} ms`)), STOP_MS).unref()
    await running?.stop()
    log.info('stopped')
    process.exit(0)
  }
  process.on('SIGINT', () => void stop('SIGINT').catch(fail))
  process.on('SIGTERM', () => void stop('SIGTERM').catch(fail))

  try {
    running = await start(log)
  } catch (error) {
    return fail(error)
  }
  running.failed?.catch((error) => {
    if (!stopping) fail(error)
  })
}
