import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { versions } from '../versions.ts'

/** SHA-256 of every file that is downloaded, by `component/file`. */
export const checksums: Readonly<Record<string, string>> = JSON.parse(
  readFileSync(new URL('./checksums.json', import.meta.url), 'utf8'),
)

/** A folder's name tells its exact content: another set of jars of the same version is another folder. */
function folder(component: string, version: string): string {
  const files = Object.entries(checksums).filter(([file]) => file.startsWith(`${component}/`))
  const mark = createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 8)
  return `${component}-${version}-${mark}`
}

/** Something that is downloaded once into the cache. */
export interface Component {
  /** Its folder in the cache; present = complete. */
  readonly folder: string
  readonly says: string
  /** Of the download, for the progress line. */
  readonly megabytes: number
  readonly source:
    | { readonly kind: 'class-path' }
    | { readonly kind: 'archive'; readonly artifact: string; readonly file: string; readonly strip: number }
}

export const components = {
  kafka: {
    folder: folder('kafka', versions.kafka),
    says: `Kafka and Kafka Connect ${versions.kafka}`,
    megabytes: 54,
    source: { kind: 'class-path' },
  },
  debezium: {
    folder: folder('debezium', versions.debezium),
    says: `Debezium ${versions.debezium}`,
    megabytes: 5,
    source: {
      kind: 'archive',
      artifact: `io.debezium:debezium-connector-postgres:${versions.debezium}:tar.gz:plugin`,
      file: `debezium-connector-postgres-${versions.debezium}-plugin.tar.gz`,
      strip: 0,
    },
  },
  apicurio: {
    folder: folder('apicurio', versions.apicurio),
    says: `Apicurio Registry ${versions.apicurio}`,
    megabytes: 159,
    source: {
      kind: 'archive',
      artifact: `io.apicurio:apicurio-registry-app:${versions.apicurio}:tar.gz:all`,
      file: `apicurio-registry-app-${versions.apicurio}-all.tar.gz`,
      strip: 0,
    },
  },
  elasticsearch: {
    folder: folder('elasticsearch', versions.elasticsearch),
    says: `Elasticsearch ${versions.elasticsearch}`,
    megabytes: 132,
    source: {
      kind: 'archive',
      artifact: `org.elasticsearch.distribution.integ-test-zip:elasticsearch:${versions.elasticsearch}:zip`,
      file: `elasticsearch-${versions.elasticsearch}.zip`,
      strip: 1,
    },
  },
} as const satisfies Record<string, Component>

export type ComponentName = keyof typeof components

/** Which components a process needs. */
export const componentsOf: Readonly<Record<string, readonly ComponentName[]>> = {
  kafka: ['kafka'],
  connect: ['kafka', 'debezium'],
  registry: ['apicurio'],
  elasticsearch: ['elasticsearch'],
}
