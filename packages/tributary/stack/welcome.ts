import { spawn } from 'node:child_process'
import pg from 'pg'
import { repository, type StackSettings } from './environment.ts'
import { entry, ownEnvironment } from './own-processes.ts'
import { placesOf } from './places.ts'
import { select } from './processes.ts'
import { readSecrets } from './secrets.ts'
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
    'npx tributary status · logs [name] -f · down · clean; `make help` for the rest',
  ].join('\n')
}

/** Plays a small simulated marketplace when nobody has ordered anything yet. */
export async function playDemo(settings: StackSettings, { commandExists, say }: UpOptions): Promise<void> {
  if (!settings.demo || !commandExists(['simulate'])) return
  const places = placesOf(settings)
  const secrets = readSecrets(places.home)
  if (await hasOrders(settings, secrets)) return
  await say.step(
    'a small simulated marketplace is in place (DEMO=off skips it)',
    () =>
      new Promise<void>((resolve, reject) => {
        const args = [entry, 'simulate', '--orders', '200']
        const child = spawn(process.execPath, args, {
          cwd: repository,
          env: { ...ownEnvironment(settings, places), ...secrets },
          stdio: 'inherit',
        })
        child.on('error', reject)
        child.on('close', (code) =>
          code === 0
            ? resolve()
            : reject(new Error(`npx tributary simulate failed with status ${code}; DEMO=off skips it`)),
        )
      }),
  )
}

async function hasOrders(settings: StackSettings, secrets: Readonly<Record<string, string>>): Promise<boolean> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port: settings.ports.POSTGRES_PORT,
    user: 'postgres',
    password: secrets.POSTGRES_PASSWORD,
    database: 'orders',
  })
  await client.connect()
  try {
    const { rows } = await client.query('select exists (select 1 from orders) as any')
    return rows[0].any
  } finally {
    await client.end()
  }
}
