import { spawn } from 'node:child_process'
import pg from 'pg'
import { postgresOptions } from '#database/connect'
import { readSuperuser } from '#database/settings'
import { addressesOf, repository, type StackSettings } from './environment.ts'
import { entry, ownEnvironment } from './own-processes.ts'
import { placesOf } from './places.ts'
import { select } from './processes.ts'
import { readSecrets } from './secrets.ts'
import type { Demo } from './shape.ts'
import { urlsOf } from './status.ts'
import type { UpOptions } from './up.ts'

/** Where a person finds everything. */
export function whereEverythingIs(settings: StackSettings, { only, commandExists }: UpOptions): string {
  const urls = urlsOf(settings)
  const started = new Set(select(settings.shape.processes, only).map((spec) => spec.name))
  const servers = Object.entries({
    kafka: `Kafka            ${urls.kafka}`,
    connect: `Kafka Connect    ${urls.connect}`,
    registry: `Schema registry  ${urls.registry}`,
    elasticsearch: `Elasticsearch    ${urls.elasticsearch}`,
    postgres: `PostgreSQL       127.0.0.1:${settings.ports.POSTGRES_PORT} (passwords: ${settings.home}/secrets.env)`,
  }).flatMap(([name, line]) => (started.has(name) ? [line] : []))
  if (only) return servers.join('\n')
  return [
    ...(commandExists(['reports']) ? [`Report page      ${urls.reports}`] : []),
    ...Object.entries(urls.services).map(([name, url]) => `${`${name} API`.padEnd(16)} ${url}/docs`),
    ...servers,
    '',
    'npx --no tributary status · logs [name] -f · down · clean; `make help` for the rest',
  ].join('\n')
}

/** Plays the system's demo when nothing was done in it yet. */
export async function playDemo(settings: StackSettings, { commandExists, say }: UpOptions): Promise<void> {
  const { demo } = settings.shape
  if (!settings.demo || !demo || !commandExists(demo.command.slice(0, 1))) return
  const places = placesOf(settings)
  const secrets = readSecrets(places.home)
  if (await hasRows(demo.unless, settings, secrets)) return
  await say.step(
    `${demo.says} is in place (DEMO=off skips it)`,
    () =>
      new Promise<void>((resolve, reject) => {
        const child = spawn(process.execPath, [entry, ...demo.command], {
          cwd: repository,
          env: { ...ownEnvironment(settings, places, []), ...secrets },
          stdio: 'inherit',
        })
        child.on('error', reject)
        child.on('close', (code) =>
          code === 0
            ? resolve()
            : reject(
                new Error(`npx --no tributary ${demo.command.join(' ')} failed with status ${code}; DEMO=off skips it`),
              ),
        )
      }),
  )
}

async function hasRows(
  { service, table }: Demo['unless'],
  settings: StackSettings,
  secrets: Readonly<Record<string, string>>,
): Promise<boolean> {
  const client = new pg.Client(postgresOptions(readSuperuser({ ...secrets, ...addressesOf(settings) })(service)))
  await client.connect()
  try {
    const { rows } = await client.query(`select exists (select from ${client.escapeIdentifier(table)}) as any`)
    return rows[0].any
  } finally {
    await client.end()
  }
}
