/** What a process is asked whether it is well. `http`: GET answers 2xx. */
export type Health =
  | { readonly ask: 'postgres' }
  | { readonly ask: 'kafka' }
  | { readonly ask: 'http'; readonly path: string }

/** One process of the system. */
export interface ProcessSpec {
  readonly name: string
  readonly kind: 'server' | 'service' | 'processor' | 'sink' | 'reports' | 'watch'
  /** Where it answers; the variable holds the port. */
  readonly port: string
  /** Further ports it listens on. */
  readonly otherPorts?: readonly string[]
  readonly health: Health
  /** What must be ready before it starts. */
  readonly needs: readonly string[]
  /** Servers that it enters beside those it needs. */
  readonly alsoEnters?: readonly string[]
  /** Ours only: the set-up steps it can't do without, by their commands with dashes. `up` has done all of them before. */
  readonly steps: readonly string[]
  /** Ours only: the arguments after `tributary`. Servers have their command in stack/native. */
  readonly command?: readonly string[]
  /** The only secrets it is given. */
  readonly secrets: readonly string[]
}

const OWN: Health = { ask: 'http', path: '/health' }
const upper = (name: string) => name.toUpperCase().replaceAll('-', '_')

const serversFor = (services: readonly string[]): readonly ProcessSpec[] => [
  {
    name: 'postgres',
    kind: 'server',
    port: 'POSTGRES_PORT',
    health: { ask: 'postgres' },
    needs: [],
    steps: [],
    secrets: [],
  },
  {
    name: 'kafka',
    kind: 'server',
    port: 'KAFKA_PORT',
    otherPorts: ['KAFKA_CONTROLLER_PORT'],
    health: { ask: 'kafka' },
    needs: [],
    steps: [],
    secrets: [],
  },
  {
    name: 'registry',
    kind: 'server',
    port: 'REGISTRY_PORT',
    otherPorts: ['REGISTRY_MANAGEMENT_PORT'],
    health: { ask: 'http', path: '/apis/ccompat/v7/subjects' },
    needs: ['postgres'],
    steps: [],
    secrets: ['REGISTRY_DB_PASSWORD'],
  },
  {
    name: 'elasticsearch',
    kind: 'server',
    port: 'ELASTICSEARCH_PORT',
    otherPorts: ['ELASTICSEARCH_TRANSPORT_PORT'],
    health: { ask: 'http', path: '/_cluster/health?wait_for_status=yellow&timeout=1s' },
    needs: [],
    steps: [],
    secrets: [],
  },
  {
    name: 'connect',
    kind: 'server',
    port: 'CONNECT_PORT',
    health: { ask: 'http', path: '/connectors' },
    needs: ['kafka'],
    steps: [],
    secrets: services.map((name) => `${upper(name)}_CONNECTOR_PASSWORD`),
  },
]

const serviceProcess = (name: string): ProcessSpec => ({
  name,
  kind: 'service',
  port: `${upper(name)}_PORT`,
  health: OWN,
  needs: ['postgres', 'kafka', 'registry'],
  steps: ['migrate', 'topics-apply', 'schemas-register'],
  command: ['service', name],
  secrets: [`${upper(name)}_DB_PASSWORD`],
})

const processorProcess = (topology: string): ProcessSpec => ({
  name: `processor-${topology}`,
  kind: 'processor',
  port: `PROCESSOR_${upper(topology)}_PORT`,
  health: OWN,
  needs: ['kafka', 'registry'],
  steps: ['topics-apply', 'schemas-register'],
  command: ['processor', topology],
  secrets: [],
})

const readers: readonly ProcessSpec[] = [
  {
    name: 'sink',
    kind: 'sink',
    port: 'SINK_PORT',
    health: OWN,
    needs: ['kafka', 'registry', 'elasticsearch'],
    steps: ['topics-apply', 'schemas-register'],
    command: ['sink'],
    secrets: [],
  },
  {
    name: 'freshness',
    kind: 'watch',
    port: 'FRESHNESS_PORT',
    health: OWN,
    needs: ['postgres', 'kafka', 'elasticsearch'],
    steps: ['migrate', 'connectors-apply'],
    command: ['freshness'],
    secrets: ['FRESHNESS_DB_PASSWORD'],
  },
  {
    name: 'reports',
    kind: 'reports',
    port: 'REPORTS_PORT',
    health: OWN,
    needs: ['elasticsearch'],
    alsoEnters: ['kafka'],
    steps: [],
    command: ['reports'],
    secrets: [],
  },
  {
    name: 'watch',
    kind: 'watch',
    port: 'WATCH_PORT',
    health: OWN,
    needs: ['connect', 'postgres'],
    alsoEnters: ['kafka'],
    steps: ['connectors-apply'],
    command: ['connectors', 'watch'],
    secrets: ['MAINTAINER_DB_PASSWORD'],
  },
]

/**
 * Every process of a system, in an order in which each comes after those it needs.
 * @param services all of them, @param own those that run here
 */
export function processesOf(
  services: readonly string[],
  own: readonly string[],
  topologies: readonly string[],
): readonly ProcessSpec[] {
  return [...serversFor(services), ...own.map(serviceProcess), ...topologies.map(processorProcess), ...readers]
}

/** A step between the servers and our own processes: a command that may be repeated at any time. */
export interface SetUpStep {
  readonly command: readonly string[]
  readonly says: string
  /** Steps that must be done before. */
  readonly after: readonly string[]
  readonly secrets: 'all' | 'none'
  /** The servers that it enters. */
  readonly enters: readonly string[]
}

export const setUpSteps: readonly SetUpStep[] = [
  { command: ['migrate'], says: 'databases, logins, outboxes', after: [], secrets: 'all', enters: ['postgres'] },
  { command: ['topics', 'apply'], says: 'topics', after: [], secrets: 'none', enters: ['kafka'] },
  { command: ['schemas', 'register'], says: 'schemas', after: [], secrets: 'none', enters: ['registry'] },
  {
    command: ['connectors', 'apply'],
    says: 'connectors',
    after: ['migrate', 'topics apply'],
    secrets: 'none',
    enters: ['connect', 'kafka', 'postgres'],
  },
]

/**
 * The processes a selection names, with those they need, in starting order.
 * `servers` stands for all servers. Throws on an unknown name, listing those there are.
 */
export function select(processes: readonly ProcessSpec[], only: readonly string[] | undefined): readonly ProcessSpec[] {
  if (!only) return processes
  const wanted = new Set<string>()
  const add = (name: string): void => {
    const spec = processes.find((one) => one.name === name)
    if (!spec) {
      throw new Error(`there is no process "${name}": choose among servers, ${processes.map((p) => p.name).join(', ')}`)
    }
    if (wanted.has(name)) return
    wanted.add(name)
    // A server that is given isn't among the processes.
    for (const need of spec.needs) if (processes.some((one) => one.name === need)) add(need)
  }
  for (const name of only) {
    if (name === 'servers') for (const server of processes.filter(({ kind }) => kind === 'server')) add(server.name)
    else add(name)
  }
  return processes.filter((spec) => wanted.has(spec.name))
}
