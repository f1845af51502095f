import type { Command } from 'commander'
import { inboxApp, processorApp, sinkApp } from '#contracts/apps'
import type { Contract } from '#contracts/contract'
import { deadLettersOf, type RowsTopic, type Topic } from '#contracts/topic'
import { plan } from '#engine'
import { hopsOf } from '#engine/plan/hops'
import type { Chain, Stage } from '#freshness/stages'
import type { Reporting } from '#reports/describe'
import type { ServiceDefinition } from '#service/definition'
import type { ServerSettings } from '#stack/settings'
import type { Demo } from '#stack/shape'
import type { Verification } from '#verify/definition'
import type { SystemDefinition, TopologyEntry } from './definition.ts'
import { faultsIn } from './faults.ts'

/** A business as the machine sees it: what its definition says, and what follows from that. */
export interface System extends Chain, Reporting {
  /** What it was defined by. */
  readonly definition: SystemDefinition
  /** The services' names: each owns a database and publishes events. */
  readonly services: readonly string[]
  /** Those that others run: their databases, topics and connectors are the system's, their processes aren't. */
  readonly elsewhere: readonly string[]
  /** The topics that each subscribes to. */
  readonly reads: ReadonlyMap<string, readonly string[]>
  /** Those that subscribe to others' topics and run here. */
  readonly subscribers: readonly string[]
  readonly rowsTopics: readonly RowsTopic[]
  readonly verification: Verification
  readonly demo?: Demo
  readonly servers?: ServerSettings
  /** Adds the project's own commands. */
  commands(program: Command): void
  /** By name. */
  readonly topologies: ReadonlyMap<string, TopologyEntry>
  /** The dead-letter topics' names, by application. */
  readonly deadLetterTopics: ReadonlyMap<string, string>
  /** Every topic that isn't internal to one application. */
  readonly topics: readonly Topic[]
  /** Every contract that is registered: the events and the rows. */
  readonly contracts: readonly Contract<unknown>[]
  /** What a service consists of; loads only this one's code. Throws when it isn't what the definition says of it. */
  loadService(name: string): Promise<ServiceDefinition>
}

/** A definition that can't be: every fault, each with its place. */
export class InvalidSystem extends Error {
  override readonly name = 'InvalidSystem'
}

/** The system of a definition. Throws `InvalidSystem` naming every fault. */
export function defineSystem(definition: SystemDefinition): System {
  const faults = faultsIn(definition)
  if (faults.length > 0) throw new InvalidSystem(faults.map((fault) => `  ${fault}`).join('\n'))
  const services = Object.keys(definition.services)
  const entries = Object.entries(definition.services)
  const elsewhere = entries.filter(([, { runs }]) => runs === 'elsewhere').map(([name]) => name)
  const reads = new Map(entries.map(([name, { subscribesTo = [] }]) => [name, subscribesTo.map((topic) => topic.name)]))
  const subscribers = services.filter((name) => reads.get(name)!.length > 0 && !elsewhere.includes(name))
  const domainTopics = new Map(entries.map(([name, { publishes }]) => [name, publishes]))
  const topologies = new Map(definition.topologies.map((entry) => [entry.topology.name, entry]))
  const { readModels } = definition
  const rowsTopics = readModels.map(({ topic }) => topic)
  const apps = [...[...topologies.keys()].map(processorApp), ...subscribers.map(inboxApp), sinkApp]
  return {
    definition,
    services,
    elsewhere,
    subscribers,
    domainTopics,
    rowsTopics,
    readModels,
    verification: definition.verify,
    reports: definition.reports,
    documents: definition.documents ?? [],
    title: definition.title ?? 'tributary',
    language: definition.language ?? 'en',
    timeZone: definition.timeZone ?? 'UTC',
    ...(definition.currency !== undefined && { currency: definition.currency }),
    ...(definition.demo && { demo: definition.demo }),
    ...(definition.servers && { servers: definition.servers }),
    commands: (program) => definition.commands?.(program),
    topologies,
    stages: definition.topologies.flatMap(stagesOf),
    subscriptions: new Map(subscribers.map((name) => [inboxApp(name), reads.get(name)!])),
    reads,
    deadLetterTopics: new Map(apps.map((app) => [app, deadLettersOf(app).name])),
    topics: [...domainTopics.values(), ...rowsTopics, ...apps.map(deadLettersOf)],
    contracts: [
      ...[...domainTopics.values()].flatMap((topic) => Object.values(topic.events)),
      ...rowsTopics.map((topic) => topic.row),
    ],
    loadService: (name) => loadService(definition, name),
  }
}

function stagesOf({ topology }: TopologyEntry): Stage[] {
  const planned = plan(topology)
  return planned.sinks.map((sink) => ({
    readModel: sink.topic.readModel,
    group: processorApp(topology.name),
    inputs: planned.sources.map((source) => source.topic.name),
    output: sink.topic.name,
    hops: hopsOf(planned, sink),
  }))
}

async function loadService(definition: SystemDefinition, name: string): Promise<ServiceDefinition> {
  const { load, subscribesTo = [] } = definition.services[name]!
  const { service } = await load()
  if (service.name !== name) throw new InvalidSystem(`services.${name} loads a service that is named "${service.name}"`)
  const stated = subscribesTo.map((topic) => topic.name).sort()
  const found = service.subscriptions.map(({ topic }) => topic.name).sort()
  if (stated.join() !== found.join()) {
    const has = found.join(', ') || 'nothing'
    throw new InvalidSystem(
      `services.${name}.subscribesTo says ${stated.join(', ') || 'nothing'}, the service subscribes to ${has}`,
    )
  }
  return service
}
