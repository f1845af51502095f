import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Ports } from '../environment.ts'
import type { ServerName } from '../given.ts'
import type { Places } from '../places.ts'
import type { ServersSettings } from '../settings.ts'
import type { Jdk } from './jdk.ts'
import { runAs } from './run-as.ts'

/** What the preparation of a server may use. */
export interface NativeContext {
  /** The services' names. */
  readonly services: readonly string[]
  /** What the servers are told. */
  readonly servers: ServersSettings
  readonly places: Places
  readonly ports: Ports
  readonly jdk: Jdk
  readonly secrets: Readonly<Record<string, string>>
  /** Where the servers are and how they are entered, also those that are given (stack/given.ts). Holds secrets. */
  readonly env: Readonly<Record<string, string>>
  readonly given: readonly ServerName[]
}

/** Marks a Java process as one of this home, for whoever looks at the process list. */
export const homeMark = (places: Pick<Places, 'mark'>): string => `-Dtributary.home.mark=${places.mark}`

/** Whatever the machine speaks, and wherever it is: files are UTF-8, words English (a Turkish `I` isn't `i`), times UTC. */
export const everywhereAlike = ['-Dfile.encoding=UTF-8', '-Duser.language=en', '-Duser.timezone=UTC'] as const

/** Makes a server's folders and gives them to the account it runs as. */
export async function serverFolder(context: NativeContext, server: string, ...children: string[]): Promise<string> {
  const folder = join(context.places.data, server)
  await mkdir(folder, { recursive: true })
  for (const child of ['config', 'tmp', ...children]) await mkdir(join(folder, child), { recursive: true })
  await runAs.giveTo(context.places.account, folder, ['.', 'config', 'tmp', ...children])
  return folder
}
