import { inboxApp } from '#contracts/apps'
import type { Contract } from '#contracts/contract'
import { plan } from '#engine'
import { describe } from '#engine/plan/describe'
import type { System } from './system.ts'

/** A field of an event or of a row. */
export interface CatalogueField {
  readonly name: string
  /** As Avro says it: `string`, `long (timestamp-millis)`, `null or string`, `list of Item`. */
  readonly type: string
  readonly doc?: string
}

/** An event or a row. */
export interface CatalogueRecord {
  readonly name: string
  readonly doc?: string
  readonly fields: readonly CatalogueField[]
}

/** What there is, who makes it, and who reads it. */
export interface Catalogue {
  readonly services: readonly {
    readonly name: string
    readonly topic: string
    readonly events: readonly CatalogueRecord[]
    /** Services, by their subscriptions, and topologies that read the topic. */
    readonly readBy: readonly string[]
  }[]
  readonly topologies: readonly {
    readonly name: string
    readonly reads: readonly string[]
    readonly writes: readonly string[]
    /** A Mermaid flowchart of its plan. */
    readonly diagram: string
  }[]
  readonly readModels: readonly {
    readonly name: string
    readonly topic: string
    readonly row: CatalogueRecord
    /** Topologies that read its topic. */
    readonly readBy: readonly string[]
  }[]
}

/** The catalogue of a system: it follows from the definition, and loads no service. */
export function catalogueOf(system: System): Catalogue {
  const topologies = [...system.topologies.values()].map(({ topology }) => {
    const planned = plan(topology)
    return {
      name: topology.name,
      reads: planned.sources.map(({ topic }) => topic.name),
      writes: planned.sinks.map(({ topic }) => topic.name),
      diagram: describe(planned),
    }
  })
  const readersOf = (topic: string): string[] => [
    ...[...system.reads].filter(([, topics]) => topics.includes(topic)).map(([name]) => inboxApp(name)),
    ...topologies.filter(({ reads }) => reads.includes(topic)).map(({ name }) => `topology ${name}`),
  ]
  return {
    services: [...system.domainTopics].map(([name, topic]) => ({
      name,
      topic: topic.name,
      events: Object.values(topic.events).map(recordOf),
      readBy: readersOf(topic.name),
    })),
    topologies,
    readModels: system.readModels.map(({ name, topic }) => ({
      name,
      topic: topic.name,
      row: recordOf(topic.row),
      readBy: readersOf(topic.name),
    })),
  }
}

interface Schema {
  readonly name: string
  readonly doc?: string
  readonly fields: readonly { readonly name: string; readonly type: Type; readonly doc?: string }[]
}
type Type =
  | string
  | readonly Type[]
  | { readonly type: string; readonly logicalType?: string; readonly name?: string; readonly items?: Type }

function recordOf({ schema }: Contract<unknown>): CatalogueRecord {
  const { name, doc, fields } = schema as unknown as Schema
  return {
    name,
    ...(doc !== undefined && { doc }),
    fields: fields.map((field) => ({
      name: field.name,
      type: typeOf(field.type),
      ...(field.doc !== undefined && { doc: field.doc }),
    })),
  }
}

function typeOf(type: Type): string {
  if (typeof type === 'string') return type
  if (Array.isArray(type)) return type.map(typeOf).join(' or ')
  const { type: kind, logicalType, name, items } = type as Exclude<Type, string | readonly Type[]>
  if (items !== undefined) return `list of ${typeOf(items)}`
  return name ?? (logicalType ? `${kind} (${logicalType})` : kind)
}

/** The catalogue as Markdown. */
export function catalogueText({ services, topologies, readModels }: Catalogue): string {
  const readers = (names: readonly string[]) => (names.length > 0 ? names.join(', ') : 'nobody')
  const record = ({ name, doc, fields }: CatalogueRecord) => [
    `### ${name}`,
    ...(doc ? ['', doc] : []),
    '',
    '| field | type | |',
    '| --- | --- | --- |',
    ...fields.map((field) => `| ${field.name} | ${field.type} | ${(field.doc ?? '').replaceAll('|', '\\|')} |`),
    '',
  ]
  return [
    ...services.flatMap(({ name, topic, events, readBy }) => [
      `## Service ${name}`,
      '',
      `Publishes \`${topic}\`, read by ${readers(readBy)}.`,
      '',
      ...events.flatMap(record),
    ]),
    ...topologies.flatMap(({ name, reads, writes, diagram }) => [
      `## Topology ${name}`,
      '',
      `Reads ${reads.join(', ')}; writes ${writes.join(', ')}.`,
      '',
      '```mermaid',
      diagram.trimEnd(),
      '```',
      '',
    ]),
    ...readModels.flatMap(({ name, topic, row, readBy }) => [
      `## Read model ${name}`,
      '',
      `Kept from \`${topic}\`${readBy.length > 0 ? `, which ${readBy.join(', ')} reads as well` : ''}.`,
      '',
      ...record(row),
    ]),
  ].join('\n')
}
