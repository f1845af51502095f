import type { Command } from 'commander'
import type { EventsTopic } from '#contracts/topic'
import type { Topology } from '#engine'
import type { ReadModel } from '#read-models/read-model'
import type { DocumentView, Report } from '#reports/report'
import type { ServiceDefinition } from '#service/definition'
import type { ServerSettings } from '#stack/settings'
import type { Demo } from '#stack/shape'
import type { Verification } from '#verify/definition'

/** A service, as others have to know it. */
export interface ServiceEntry {
  /** Its own topic. */
  readonly publishes: EventsTopic
  /** Topics of others that it subscribes to. */
  readonly subscribesTo?: readonly EventsTopic[]
  /**
   * Who runs it (default: `here`). One that runs `elsewhere`, in another language or on computers of its team, has its database,
   * logins, topic and connector prepared as all have, and no process is started for it.
   */
  readonly runs?: 'here' | 'elsewhere'
  /** The service itself, loaded by the processes that need it. */
  load(): Promise<{ readonly service: ServiceDefinition }>
}

/** A topology, and how its processor runs. */
export interface TopologyEntry {
  /** What `topology(…)` made. */
  readonly topology: Topology
  /**
   * The least time between two of its epochs, in ms (default: 15). What somebody waits for is written at once; sums may well
   * be a fifth of a second older, and each epoch costs.
   */
  readonly paceMs?: number
}

/** A business: everything the machine has to know of it. */
export interface SystemDefinition {
  /** By name, in the order in which they are shown. A name is also that of a database and of a login. */
  readonly services: Readonly<Record<string, ServiceEntry>>
  /** Each is run by a processor of its own. */
  readonly topologies: readonly TopologyEntry[]
  /** What the sink keeps in Elasticsearch: `readModel(…)` of each rows topic. */
  readonly readModels: readonly ReadModel[]
  /** How every read model is recomputed, for `tributary verify`. */
  readonly verify: Verification
  /** The pages of figures, in the order of their tabs. */
  readonly reports: readonly Report[]
  /** How documents are shown; those of other read models are shown by their schema. */
  readonly documents?: readonly DocumentView[]
  /** What the report page is called (default: `tributary`). */
  readonly title?: string
  /** How numbers and dates are written: a BCP 47 tag (default: `en`). */
  readonly language?: string
  /** Where the days of reports begin and end: an IANA name (default: `UTC`). */
  readonly timeZone?: string
  /** What money is in: ISO 4217. Needed where a report shows money. */
  readonly currency?: string
  /** Settings of the servers that are started here: `{ kafka: { 'log.retention.hours': '168' }, heap: { elasticsearch: '4g' } }`. */
  readonly servers?: ServerSettings
  /** What `up` plays into a system that is still empty. */
  readonly demo?: Demo
  /** Adds commands of the project's own to `tributary`. */
  commands?(program: Command): void
}
