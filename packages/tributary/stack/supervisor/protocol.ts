/**
 * What the supervisor and its callers say to one another: JSON, one line each, over a Unix domain socket that only its
 * owner may open (a request may hold secrets).
 */
import type { Socket } from 'node:net'

/** Raised when a daemon of before couldn't be spoken to any more. */
export const PROTOCOL = 2

/** A process as the supervisor sees it. */
export interface Supervised {
  readonly name: string
  readonly state: 'online' | 'waiting restart' | 'stopping' | 'stopped'
  readonly pid?: number | undefined
  readonly restarts: number
  /** Since when it runs, ms since the epoch. */
  readonly since?: number | undefined
  /** Fingerprint of the launch it was started with. */
  readonly definition: string
  /** How it ended, while it doesn't run. */
  readonly lastEnd?: string
}

/** A process to start and keep running. */
export interface ToStart {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** Who it runs as; absent: whoever the supervisor runs as. */
  readonly account?: { readonly uid: number; readonly gid: number } | undefined
  /** What asks it to end in good order. */
  readonly stopSignal: NodeJS.Signals
  readonly log: string
  readonly definition: string
}

export type Request =
  | { readonly do: 'list' }
  /** A process of the same name that is kept already is an error. */
  | { readonly do: 'start'; readonly process: ToStart }
  /** Stops and forgets; nothing when there is none of that name. */
  | { readonly do: 'remove'; readonly name: string }
  /** On trial: should it end soon, it stays stopped until somebody starts it anew. */
  | { readonly do: 'restart'; readonly name: string; readonly onTrial?: boolean }
  /** It is on trial no more: should it end, it is started again, as any other. */
  | { readonly do: 'keep'; readonly name: string }
  /** Stops everything, and the supervisor itself. */
  | { readonly do: 'end' }

export interface Answer {
  readonly id: number
  readonly protocol: number
  /** Of `list`. */
  readonly list?: readonly Supervised[]
  readonly error?: string
}

/** Calls back for each whole line that arrives, parsed. A line that isn't JSON ends the connection. */
export function onMessages<T>(socket: Socket, take: (message: T) => void): void {
  let begun = ''
  socket.setEncoding('utf8')
  socket.on('data', (text) => {
    const lines = (begun + text).split('\n')
    begun = lines.pop() ?? ''
    try {
      for (const line of lines) take(JSON.parse(line))
    } catch (error) {
      socket.destroy(error as Error)
    }
  })
}

export const send = (socket: Socket, message: object): void => {
  socket.write(`${JSON.stringify(message)}\n`)
}
