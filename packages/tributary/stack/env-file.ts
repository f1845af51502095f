import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import {
  connectSettings,
  elasticsearchSettings,
  kafkaSettings,
  postgresSettings,
  registrySettings,
} from '#runtime/config'
import { stackSettings } from './environment.ts'
import { databaseSettings, furtherStackSettings } from './settings-text.ts'
import type { Shape } from './shape.ts'

/** Names that begin so are ours; every other one may be the project's own. */
const OURS =
  /^(POSTGRES|KAFKA|CONNECT|REGISTRY|ELASTICSEARCH|TRIBUTARY|STACK|DEMO|KIBANA|SINK|FRESHNESS|WATCH|REPORTS)(_|$)/

/** What a project's `.env` says that nobody reads, in a sentence each: most likely it is misspelt. */
export function envFileWarnings(shape: Shape, folder: string): string[] {
  const file = join(folder, '.env')
  if (!existsSync(file)) return []
  const known = new Set([
    ...Object.keys({
      ...{ ...stackSettings, ...furtherStackSettings, ...databaseSettings },
      ...{ ...postgresSettings, ...kafkaSettings, ...registrySettings, ...connectSettings, ...elasticsearchSettings },
      ...shape.defaultPorts,
    }),
    ...shape.secretNames,
  ])
  const own = new RegExp(`^(${shape.services.map((name) => name.toUpperCase()).join('|')})_POSTGRES_`)
  return Object.keys(parseEnv(readFileSync(file, 'utf8')))
    .filter((name) => OURS.test(name) && !known.has(name) && !own.test(name) && !/_URL$/.test(name))
    .map((name) => `.env sets ${name}, which nothing reads: is it misspelt? docs/reference/settings.md has all names`)
}
