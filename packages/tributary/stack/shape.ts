import { type ProcessSpec, processesOf } from './processes.ts'
import { type ServerSettings, type ServersSettings, serversSettings } from './settings.ts'

/** What `up` plays into a system that is still empty, unless DEMO=off. */
export interface Demo {
  /** The arguments after `tributary`. */
  readonly command: readonly [string, ...string[]]
  /** What is there then: `a small simulated marketplace`. */
  readonly says: string
  /** The system is empty while this table of a service has no row. */
  readonly unless: { readonly service: string; readonly table: string }
}

/** What a system needs of the computer it runs on. */
export interface Shape {
  readonly demo?: Demo
  /** The services' names. */
  readonly services: readonly string[]
  /** Those of them that run here. */
  readonly ownServices: readonly string[]
  readonly processes: readonly ProcessSpec[]
  /** Every port by its variable, with its default. */
  readonly defaultPorts: Readonly<Record<string, number>>
  /** Every secret: made at the first `up`, never changed afterwards. */
  readonly secretNames: readonly string[]
  /** What the servers are told. */
  readonly servers: ServersSettings
}

/** What is known of a system here: names, and what to begin with. */
export interface Named {
  readonly demo?: Demo
  readonly services: readonly string[]
  /** Those of them that others run. */
  readonly elsewhere?: readonly string[]
  /** By name. */
  readonly topologies: ReadonlyMap<string, unknown>
  /** What the project tells the servers. */
  readonly servers?: ServerSettings
}

const serverPorts = {
  POSTGRES_PORT: 15432,
  KAFKA_PORT: 19092,
  KAFKA_CONTROLLER_PORT: 19093,
  CONNECT_PORT: 18083,
  REGISTRY_PORT: 18081,
  REGISTRY_MANAGEMENT_PORT: 18082,
  ELASTICSEARCH_PORT: 19200,
  ELASTICSEARCH_TRANSPORT_PORT: 19300,
  KIBANA_PORT: 15601,
  REPORTS_PORT: 14000,
}
const readerPorts = { SINK_PORT: 14021, FRESHNESS_PORT: 14022, WATCH_PORT: 14023 }

/** Ports for so many of a kind lie next to each other; those beyond go to where there is room. */
const ROOM = 10
const portOf = (from: number, more: number, at: number) => (at < ROOM ? from + at : more + at - ROOM)

const upper = (name: string) => name.toUpperCase()

/** The shape of a system. */
export function shapeOf({ services, elsewhere = [], topologies, demo, servers }: Named): Shape {
  const ownServices = services.filter((name) => !elsewhere.includes(name))
  const names = [...topologies.keys()]
  return {
    ...(demo && { demo }),
    services,
    ownServices,
    processes: processesOf(services, ownServices, names),
    defaultPorts: {
      ...serverPorts,
      ...Object.fromEntries(services.map((name, at) => [`${upper(name)}_PORT`, portOf(14001, 14101, at)])),
      ...Object.fromEntries(names.map((name, at) => [`PROCESSOR_${upper(name)}_PORT`, portOf(14011, 14201, at)])),
      ...readerPorts,
    },
    secretNames: [
      'POSTGRES_PASSWORD',
      'REGISTRY_DB_PASSWORD',
      ...services.flatMap((name) => [`${upper(name)}_DB_PASSWORD`, `${upper(name)}_CONNECTOR_PASSWORD`]),
      'VERIFY_DB_PASSWORD',
      'FRESHNESS_DB_PASSWORD',
      'MAINTAINER_DB_PASSWORD',
    ],
    servers: serversSettings(servers),
  }
}
