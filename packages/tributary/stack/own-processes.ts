import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { addresses, repository, type StackSettings } from './environment.ts'
import { type Launch, systemPath } from './launch.ts'
import type { Places } from './places.ts'
import type { ProcessSpec } from './processes.ts'

/** The program that runs each of our processes. */
export const entry = fileURLToPath(new URL(`../tributary${extname(import.meta.filename)}`, import.meta.url))

/** How one of our own processes is started: Node on the `.ts` file, with the only secrets it may know. */
export function launchOf(
  spec: ProcessSpec,
  settings: StackSettings,
  places: Places,
  secrets: Readonly<Record<string, string>>,
): Launch {
  if (!spec.command) throw new Error(`${spec.name} is a server: its launch is in stack/native`)
  return {
    command: process.execPath,
    // The home is an argument so that the process list tells which stack a process belongs to.
    args: [entry, '--home', places.home, ...spec.command],
    cwd: repository,
    env: {
      ...ownEnvironment(settings, places, [...spec.needs, ...(spec.alsoEnters ?? [])]),
      TRIBUTARY_SUPERVISED: '1',
      ...Object.fromEntries(spec.secrets.map((name) => [name, secrets[name] ?? ''])),
    },
  }
}

/**
 * Addresses, and what Node needs. No secrets, but for the logins of servers that are given, of those alone that it enters.
 * @param enters names of servers
 */
export function ownEnvironment(
  settings: StackSettings,
  places: Places,
  enters: readonly string[],
): Record<string, string> {
  const { shape, ports, given } = settings
  return {
    PATH: systemPath,
    HOME: process.env.HOME ?? '/',
    TZ: 'UTC',
    NODE_ENV: 'production',
    // The stripped and compiled sources of the last start.
    NODE_COMPILE_CACHE: join(places.home, 'compile-cache'),
    LOG_LEVEL: settings.logLevel,
    TRIBUTARY_HOME: places.home,
    ALLOWED_HOSTS: settings.allowedHosts,
    ...addresses(shape, ports),
    ...Object.assign({}, ...Object.entries(given.settings).map(([name, one]) => (enters.includes(name) ? one : {}))),
  }
}

/** Changes when a source file does, of the project or of the package: `up` then starts our processes anew. */
export function sourceFingerprint(): string {
  const hash = createHash('sha256')
  const single = ['package-lock.json', 'tributary.config.ts'].map((file) => join(repository, file))
  const rooms = ['schemas', 'producers', 'connectors', 'processors', 'sinks'].map((room) => join(repository, room))
  const files = [dirname(entry), ...rooms].filter(existsSync).flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((one) => one.isFile() && !/\.(test(-d)?\.ts|map)$/.test(one.name))
      .map((one) => join(one.parentPath, one.name)),
  )
  for (const file of [...single.filter(existsSync), ...files].sort()) hash.update(file).update(readFileSync(file))
  return hash.digest('hex')
}
