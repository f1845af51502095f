/** How the supervisor starts a process. */
export interface Launch {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** What asks it to end in good order; SIGTERM where it is left out. */
  readonly stopSignal?: NodeJS.Signals
}

/** The same whoever calls `up` (make, npx, a shell): a launch that differs is a process that is started anew. */
export const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
