import { pino } from 'pino'

export type Log = pino.Logger

/** The process's log: one JSON object per line on standard output, `name` on each, level from `LOG_LEVEL`. */
export function openLog(name: string, level = process.env.LOG_LEVEL ?? 'info'): Log {
  return pino({
    name,
    level,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  })
}
