/** A line of a log as people read it. */
export interface Line {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly text: string
}

/** What stands in every line, or is said otherwise. */
const SAID = ['level', 'time', 'name', 'msg', 'pid', 'hostname', 'err', 'reqId']

/**
 * A line of a process's log (see runtime/log.ts): its message, its other fields as `name=value`, and the stack of its error.
 * What is no JSON is shown as it is.
 */
export function lineOf(line: string): Line {
  const record = parse(line)
  if (!record) return { level: 'info', text: line }
  const { level, msg, err } = record as { level: string; msg?: unknown; err?: { message?: unknown; stack?: unknown } }
  const rest = Object.entries(record).filter(([name, value]) => !SAID.includes(name) && value !== undefined)
  const fields = rest.map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  const message = typeof msg === 'string' ? msg : ''
  const stack =
    typeof err?.stack === 'string' ? err.stack : err?.message === undefined ? undefined : String(err.message)
  // The message repeats an error's more often than not.
  const [head = '', ...frames] = stack?.split('\n') ?? []
  const error = stack === undefined ? [] : [...(saysIt(message, head) ? [] : [head]), ...frames]
  const kind = level === 'fatal' ? 'error' : level === 'trace' ? 'debug' : (level as Line['level'])
  return { level: kind, text: [[message, ...fields].filter(Boolean).join('  '), ...error].join('\n') }
}

const saysIt = (message: string, head: string) => message.includes(head.replace(/^\w*(Error)?: /, ''))

function parse(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{"level":"')) return undefined
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
