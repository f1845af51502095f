import { inboxApp } from '#contracts/apps'
import { plan } from '#engine'
import { describe } from '#engine/plan/describe'
import { type Graph, graphOf } from '#engine/plan/graph'
import { type CatalogueRecord, recordOf } from './record.ts'
import type { System } from './system.ts'

/** What there is, who makes it, and who reads it. */
export interface Catalogue {
  readonly title: string
  readonly services: readonly {
    readonly name: string
    readonly topic: string
    readonly partitions: number
    readonly events: readonly CatalogueRecord[]
    /** Topics of others that it subscribes to. */
    readonly subscribesTo: readonly string[]
    /** Services, by their subscriptions, and topologies that read the topic. */
    readonly readBy: readonly string[]
  }[]
  readonly topologies: readonly {
    readonly name: string
    readonly reads: readonly string[]
    readonly writes: readonly string[]
    /** A Mermaid flowchart of its plan. */
    readonly diagram: string
    readonly graph: Graph
  }[]
  readonly readModels: readonly {
    readonly name: string
    readonly topic: string
    readonly partitions: number
    readonly row: CatalogueRecord
    /** Topologies that read its topic. */
    readonly readBy: readonly string[]
  }[]
  readonly reports: readonly {
    readonly id: string
    readonly title: string
    /** What its panels and its list are made of. */
    readonly readModels: readonly string[]
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
      graph: graphOf(planned),
    }
  })
  const readersOf = (topic: string): string[] => [
    ...[...system.reads].filter(([, topics]) => topics.includes(topic)).map(([name]) => inboxApp(name)),
    ...topologies.filter(({ reads }) => reads.includes(topic)).map(({ name }) => `topology ${name}`),
  ]
  return {
    title: system.title,
    services: [...system.domainTopics].map(([name, topic]) => ({
      name,
      topic: topic.name,
      partitions: topic.partitions,
      subscribesTo: system.reads.get(name) ?? [],
      events: Object.values(topic.events).map(recordOf),
      readBy: readersOf(topic.name),
    })),
    topologies,
    readModels: system.readModels.map(({ name, topic }) => ({
      name,
      topic: topic.name,
      partitions: topic.partitions,
      row: recordOf(topic.row),
      readBy: readersOf(topic.name),
    })),
    reports: system.reports.map(({ id, title, panels, list }) => ({
      id,
      title,
      readModels: [...new Set([...panels.map(({ readModel }) => readModel), ...(list ? [list.readModel] : [])])],
    })),
  }
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
