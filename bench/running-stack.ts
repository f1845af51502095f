import { execFile } from 'node:child_process'
import { join } from 'node:path'

/** Where a running stack is, as `tributary status --json` says. */
export interface StackUrls {
  readonly kafka: string
  readonly registry: string
  readonly connect: string
  readonly elasticsearch: string
  readonly services: Readonly<Record<string, string>>
}

/** The running stack of this checkout (or of TRIBUTARY_HOME). Throws when it isn't ready. */
export async function runningStack(): Promise<{ urls: StackUrls }> {
  const program = join(import.meta.dirname, '../packages/tributary/tributary.ts')
  const answer = await new Promise<string>((resolve, reject) => {
    execFile(process.execPath, [program, 'status', '--json'], (error, stdout) =>
      stdout ? resolve(stdout) : reject(error),
    )
  })
  const status = JSON.parse(answer) as { ready: boolean; urls: StackUrls }
  if (!status.ready) throw new Error('the stack is not ready: run `make up` first, `make status` says what is missing')
  return status
}
