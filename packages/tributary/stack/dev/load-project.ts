/**
 * Loads the project whose folder it is started in, and tells its parent what it is made of (see project.ts): every
 * module with what it imports, exactly as Node resolved it. Started by read-project.ts, with a channel: what the project is
 * loaded upon is loaded at once, the project itself when it is told to.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { CONFIG } from '#runtime/find-project'
import { project } from '#runtime/project'
import { shapeOf } from '#stack/shape'
import type { System } from '#system/system'
import type { Fault, Project } from './project.ts'
import { faultOf, type Loaded } from './read-project.ts'

const root = project()
const config = join(root, CONFIG)
const imports = new Map<string, Set<string>>()

/** The file of a module that is the project's; undefined for what is installed, and for Node's own. */
function ownFile(url: string | undefined): string | undefined {
  if (!url?.startsWith('file://')) return undefined
  const file = fileURLToPath(url)
  return file.split(sep).includes('node_modules') ? undefined : file
}

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context)
    const from = ownFile(context.parentURL)
    const to = ownFile(found.url)
    if (from && to && from !== import.meta.filename) {
      const known = imports.get(from) ?? new Set()
      imports.set(from, known.add(to))
    }
    return found
  },
})

async function load(): Promise<Loaded> {
  let system: System
  try {
    system = await loadSystem()
  } catch (error) {
    return { faults: [fault(error)] }
  }
  const owners = await ownersOf(system, imports.get(config) ?? new Set())
  const faults: Fault[] = []
  const services = new Map<string, { readonly roots: string[]; readonly database: unknown }>()
  const shape = shapeOf(system)
  for (const name of shape.ownServices) {
    const before = new Set([...imports].flatMap(([from, to]) => [from, ...to]))
    let database: unknown
    try {
      const { migrations, subscriptions } = await system.loadService(name)
      const steps = migrations.map((one) => [one.name, String(one.up)])
      database = [name, steps, subscriptions.map(({ topic }) => topic.name)]
    } catch (error) {
      faults.push({ ...fault(error), service: name })
    }
    // What loaded before has asked for since is what the service begins with.
    const begun = [...imports].filter(([from]) => before.has(from)).flatMap(([, to]) => [...to])
    services.set(name, { roots: begun.filter((file) => !before.has(file)), database })
  }

  const roots = shape.processes
    .filter(({ command }) => command)
    .map(({ name, kind }) => [
      name,
      [...(services.get(name)?.roots ?? []), ...(programs[name] ?? programs[kind] ?? [])],
    ])
  // A service that is loaded on request is no import of the config that concerns others.
  const requested = [...services].flatMap(([name, one]) => one.roots.map((file) => [file, [name]] as const))
  const project: Project = {
    config,
    imports: Object.fromEntries([...imports].map(([from, to]) => [from, [...to]])),
    owners: { ...owners, ...Object.fromEntries(requested) },
    roots: Object.fromEntries(roots),
    services: system.services,
    elsewhere: system.elsewhere,
    topologies: [...system.topologies.keys()],
    setUp: {
      migrate: hash([system.services, [...services.values()].map(({ database }) => database)]),
      'topics apply': hash(system.topics.map(({ name, partitions, config }) => [name, partitions, config])),
      'schemas register': hash(system.contracts.map(({ schema }) => schema)),
      'connectors apply': hash([system.services, textsOf(join(root, 'connectors'))]),
    },
  }
  return { project, faults }
}

/**
 * Which processes an import of the config is for, found by what it exports: a topology is its processor's, and so on.
 * One that exports nothing the definition holds is everybody's, and stands in no list.
 */
async function ownersOf(system: System, files: ReadonlySet<string>): Promise<Record<string, string[]>> {
  const { definition } = system
  const readers = ['sink', 'freshness', 'reports']
  const everybody = undefined
  const parts: readonly (readonly [part: unknown, owners: readonly string[] | undefined])[] = [
    ...Object.values(definition.services).map(({ publishes }) => [publishes, everybody] as const),
    ...definition.topologies.flatMap((entry) => {
      const owners = [`processor-${entry.topology.name}`, 'freshness']
      return [[entry, owners] as const, [entry.topology, owners] as const]
    }),
    ...[definition.readModels, ...definition.readModels].map((part) => [part, readers] as const),
    ...[definition.reports, ...definition.reports].map((part) => [part, ['reports']] as const),
    ...[definition.documents, ...(definition.documents ?? [])].map((part) => [part, ['reports']] as const),
    // These no process has a use for: commands that are typed have.
    [definition.verify, []],
    [definition.commands, []],
    [definition.demo, []],
  ]
  const owners: Record<string, string[]> = {}
  for (const file of files) {
    const exported = Object.values(await import(pathToFileURL(file).href))
    const values = new Set(exported.flatMap((value) => (Array.isArray(value) ? [value, ...value] : [value])))
    const held = parts.filter(([part]) => part !== undefined && values.has(part))
    if (held.length === 0 || held.some(([, who]) => who === everybody)) continue
    owners[file] = [...new Set(held.flatMap(([, who]) => who ?? []))]
  }
  return owners
}

/**
 * Loads what our own processes run of the package. Gives it by process where its sources are the project's own and may
 * change, too.
 */
async function programsOf(): Promise<Readonly<Record<string, readonly string[]>>> {
  const runtime = ['#runtime/main', '#system/codec']
  const programs: Readonly<Record<string, readonly string[]>> = {
    service: [...runtime, '#service/run'],
    processor: [...runtime, '#processor/main'],
    sink: [...runtime, '#sink/sink'],
    freshness: [...runtime, '#freshness/freshness'],
    reports: [...runtime, '#reports/server'],
    watch: [...runtime, '#watch/watch'],
  }
  const found: Record<string, readonly string[]> = {}
  for (const [name, specifiers] of Object.entries(programs)) {
    await Promise.all(specifiers.map((specifier) => import(specifier)))
    found[name] = specifiers.map((specifier) => fileURLToPath(import.meta.resolve(specifier)))
  }
  return ownFile(import.meta.url) ? found : {}
}

function textsOf(folder: string): readonly (readonly [name: string, text: string])[] {
  if (!existsSync(folder)) return []
  const files = readdirSync(folder, { withFileTypes: true }).filter((one) => one.isFile())
  return files.map(({ name }) => [name, readFileSync(join(folder, name), 'utf8')] as const).sort()
}

const hash = (value: unknown) =>
  createHash('sha256')
    .update(JSON.stringify(value) ?? '')
    .digest('hex')
    .slice(0, 16)

const fault = (error: unknown) => faultOf((error as Error)?.stack ?? String(error), root)

const told = once(process, 'message')
const { loadSystem } = await import('#system/load')
const programs = await programsOf()
await told
process.send!(await load(), () => process.exit(0))
