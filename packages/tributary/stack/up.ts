import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { readSuperuser } from '#database/settings'
import { project } from '#runtime/project'
import { envFileWarnings } from './env-file.ts'
import { addressesOf, type StackSettings } from './environment.ts'
import { ailingConnectorsOf, refuseSilent } from './given-health.ts'
import { ailmentOf } from './health.ts'
import { ensureHome, readSelection, withLock, writeSelection } from './home.ts'
import { type Launch, systemPath } from './launch.ts'
import { endLeftovers, leftovers } from './leftovers.ts'
import { machineWarnings } from './machine.ts'
import { endWhatIsLeftOver, makeRoom, runningProcesses } from './make-room.ts'
import { components, componentsOf } from './native/components.ts'
import { install, missingComponents } from './native/install.ts'
import { chooseJdk, type Jdk, javaVersion, jdkCandidates, noJdkMessage } from './native/jdk.ts'
import type { NativeContext } from './native/server.ts'
import { prepare } from './native/servers.ts'
import { fetchJdk, temurinHome } from './native/temurin.ts'
import { launchOf, sourceFingerprint } from './own-processes.ts'
import { closedFolder, openForAll, openToAll, reachable, refuseUnusablePath } from './paths.ts'
import { type Places, placesOf } from './places.ts'
import { type ProcessSpec, type SetUpStep, select, setUpSteps } from './processes.ts'
import { ensureRegistryDatabase } from './registry-database.ts'
import type { Say } from './say.ts'
import { BEFORE, beginRotation, endRotation, ensureSecrets } from './secrets.ts'
import { type CommandExists, runSetUpSteps } from './set-up.ts'
import { initdbArguments, postgresHba } from './settings.ts'
import { settleSuperuser } from './superuser.ts'
import { endSupervisor, openSupervisor, type Supervised, type Supervisor } from './supervisor/client.ts'

export interface UpOptions {
  /** Names of processes (and `servers`); all where it is left out. */
  readonly only?: readonly string[] | undefined
  readonly commandExists: CommandExists
  readonly say: Say
  /** Whether what was started goes on when something else can't be. */
  readonly keep?: boolean | undefined
  /** Secrets that are made anew; with them the set-up runs, whatever was asked for. */
  readonly rotate?: readonly string[] | undefined
}

/** Servers read these from files that the launch only names. */
const serverSettingsOf = ({ shape }: StackSettings) =>
  JSON.stringify({ ...shape.servers, initdbArguments, postgresHba: postgresHba(shape.services) })

/** How long a process may take until it is well. */
const READY_MS = 180_000
/** A process that keeps ending won't get well by waiting. */
const MOST_RESTARTS = 8

/**
 * Brings the native stack up: downloads what is missing, starts what isn't running, waits until everything is well.
 * Repeatable at any time: what runs as it should is left alone, what is dead, changed or left over is started anew.
 */
export async function up(settings: StackSettings, options: UpOptions): Promise<void> {
  const places = placesOf(settings)
  // The servers' account reads what is made here, whatever the shell's umask is.
  if (places.account) process.umask(0o022)
  ensureHome(places)
  await withLock(places, () => bringUp(settings, places, options))
}

async function bringUp(settings: StackSettings, places: Places, options: UpOptions): Promise<void> {
  const { say, commandExists } = options
  const specs = select(settings.shape.processes, options.only).filter(
    (spec) => !spec.command || commandExists(spec.command),
  )

  await refuseSilent(settings)
  const running = await runningProcesses(places)
  const needsJava = specs.some((spec) => componentsOf[spec.name])
  if (needsJava) refuseClosedCache(places, specs)
  await endWhatIsLeftOver(settings, places, running, say)
  await makeRoom(settings, places, specs, running, say)
  const jdk = needsJava ? await ensureJdk(settings, places, say) : undefined
  await download(places, specs, jdk, say)

  for (const warning of [...machineWarnings(), ...envFileWarnings(settings.shape, project())]) say.line(warning)

  if (options.rotate && !beginRotation(places.home, options.rotate))
    say.line('going on with a rotation that was not ended')
  const secrets = { ...ensureSecrets(places.home, settings.shape.secretNames), ...settings.given.setUp }
  const setsUp = !options.only || options.rotate !== undefined
  await mkdir(places.data, { recursive: true, mode: 0o755 })
  const selected = readSelection(places)
  writeSelection(places, union(options.only, running.size > 0 ? selected : []))

  const supervisor = await openSupervisor(places)
  const started: string[] = []
  try {
    const bring = starter({ settings, places, jdk, secrets, supervisor, say, started })
    // A rotation sets up what was chosen to run: steps that enter other servers wait until these are started.
    const there = new Set([...specs.map(({ name }) => name), ...settings.given.servers])
    const steps = setsUp ? setUpSteps.filter((step) => step.enters.every((server) => there.has(server))) : []
    const setUp = (some: readonly SetUpStep[]) => runSetUpSteps(settings, places, secrets, commandExists, say, some)
    if (setsUp && secrets[BEFORE] !== undefined) {
      // Passwords change in one go: then everything that enters with one follows at once.
      const entersConnect = (step: SetUpStep) => step.enters.includes('connect')
      await bring(specs.filter((spec) => !spec.command && spec.name !== 'connect'))
      await setUp(steps.filter((step) => !entersConnect(step)))
      await bring(specs.filter((spec) => spec.command || spec.name === 'connect'))
      await setUp(steps.filter(entersConnect))
    } else {
      await bring(specs.filter((spec) => !spec.command))
      await setUp(steps)
      await bring(specs.filter((spec) => spec.command))
    }
    if (setsUp && there.has('connect') && commandExists(['connectors', 'apply'])) await untilConnectorsRun(settings)
    if (setsUp) endRotation(places.home)
  } catch (error) {
    const { message } = error as Error
    if (options.keep) throw new Error(`${message}\n\nWhat was started goes on running (--keep).`)
    for (const name of started.toReversed()) await supervisor.remove(name).catch(() => {})
    const left = await supervisor.list().catch(() => undefined)
    if (left?.length === 0) {
      await endSupervisor(places)
      // Elasticsearch's server outlives its launcher for a moment when that one had to be killed.
      await endLeftovers(leftovers(settings.shape, places, new Set()))
    } else if (running.size > 0) writeSelection(places, selected)
    throw new Error(`${message}\n\n${leftMessage(started, left?.length ?? 0, places)}`)
  } finally {
    supervisor.close()
  }
}

function leftMessage(started: readonly string[], left: number, { logs }: Places): string {
  const stopped =
    started.length === 0 ? 'Nothing was started' : `What this command started was stopped (${started.join(', ')})`
  const others = left === 0 ? '' : '; what ran before runs on'
  return `${stopped}${others}. Everything that was said is in ${logs}; with \`npx --no tributary up --keep\` it would go on running.`
}

function union(
  only: readonly string[] | undefined,
  before: readonly string[] | undefined,
): readonly string[] | undefined {
  return only && before ? [...new Set([...before, ...only])] : undefined
}

/** Where a JDK may lie that the servers can use. */
function jdkHomes(settings: StackSettings, places: Places): string[] {
  const brought = temurinHome(places.cache)
  const homes = [...jdkCandidates(settings.javaHome), ...(brought ? [brought] : [])]
  return homes.filter((home) => !places.account || reachable(join(home, 'bin')))
}

/** A JDK that is here, or the pinned one, brought now. */
async function ensureJdk(settings: StackSettings, places: Places, say: Say): Promise<Jdk> {
  const homes = jdkHomes(settings, places)
  const found = chooseJdk(homes, javaVersion)
  if (found) return found
  return say
    .step(`a JDK is in ${places.cache}`, () => fetchJdk(places.cache, settings.jdkMirror, say))
    .catch((error: Error) => {
      throw new Error(noJdkMessage(homes, javaVersion, error.message))
    })
}

/** What the servers' account must be able to read, before anything is started. */
function refuseClosedCache({ account, cache }: Places, specs: readonly ProcessSpec[]): void {
  refuseUnusablePath('TRIBUTARY_CACHE', cache)
  if (!account) return
  const closed = closedFolder(cache)
  if (closed !== undefined) {
    throw new Error(
      `the servers run as ${account.name}, who may not enter ${closed}, where the downloads are (${cache}): \`chmod o+x ${closed}\`, or set TRIBUTARY_CACHE to a folder every user may enter, e.g. /var/cache/tributary`,
    )
  }
  // An earlier download may have been made under a strict umask.
  for (const name of new Set(specs.flatMap((spec) => componentsOf[spec.name] ?? []))) {
    const folder = join(cache, components[name].folder)
    if (existsSync(folder) && !openToAll(folder)) openForAll(folder)
  }
}

async function download(places: Places, specs: readonly ProcessSpec[], jdk: Jdk | undefined, say: Say): Promise<void> {
  if (!jdk) return
  const missing = missingComponents(
    places.cache,
    specs.flatMap((spec) => componentsOf[spec.name] ?? []),
  )
  if (missing.length > 0) {
    await say.step(`downloaded into ${places.cache}`, () => install(places.cache, missing, jdk, say))
  }
}

interface StartContext {
  readonly settings: StackSettings
  readonly places: Places
  readonly jdk: Jdk | undefined
  readonly secrets: Readonly<Record<string, string>>
  readonly supervisor: Supervisor
  readonly say: Say
  /** What was started, in order. */
  readonly started: string[]
}

/** Starts processes, each as soon as those it needs are well; returns when all are. */
function starter(context: StartContext): (specs: readonly ProcessSpec[]) => Promise<void> {
  const { settings, secrets, supervisor, say, started } = context
  const under = new Map<string, Promise<void>>()
  const sources = sourceFingerprint()
  const serverSettings = serverSettingsOf(settings)

  const start = async (spec: ProcessSpec): Promise<void> => {
    await Promise.all(spec.needs.flatMap((name) => under.get(name) ?? []))
    const launch = await launchFor(spec, context)
    const definition = fingerprint(launch, spec.command ? sources : serverSettings)
    const before = (await supervisor.list()).find((one) => one.name === spec.name)
    const asItShould = before?.state === 'online' && before.definition === definition
    if (!asItShould) {
      if (before) await supervisor.remove(spec.name)
      if (spec.name === 'registry') {
        await ensureRegistryDatabase({
          ...readSuperuser({ ...secrets, ...addressesOf(settings) })('postgres'),
          registryPassword: secrets.REGISTRY_DB_PASSWORD ?? '',
        })
      }
      started.push(spec.name)
      await supervisor.start(spec.name, launch, { definition, asServer: !spec.command })
    }
    const began = performance.now()
    if (spec.name === 'postgres') await settleSuperuser(settings.ports.POSTGRES_PORT!, secrets)
    await untilWell(spec, context)
    if (!asItShould) say.line(`${spec.name} is ready (${((performance.now() - began) / 1000).toFixed(1)} s)`)
  }
  return async (specs) => {
    for (const spec of specs) under.set(spec.name, start(spec))
    const ends = await Promise.allSettled(specs.map((spec) => under.get(spec.name)))
    const faults = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []))
    if (faults.length > 0) throw new Error([...new Set(faults.map((fault) => fault.message))].join('\n\n'))
  }
}

async function launchFor(spec: ProcessSpec, context: StartContext): Promise<Launch> {
  const { settings, places, secrets, jdk } = context
  if (spec.command) return launchOf(spec, settings, places, secrets)
  const { services, servers } = settings.shape
  const native: NativeContext = {
    services,
    servers,
    places,
    ports: settings.ports,
    secrets,
    env: addressesOf(settings),
    given: settings.given.servers,
    jdk: jdk ?? { home: '', version: 0 },
  }
  const launch = await prepare[spec.name]!(native)
  const own = Object.fromEntries(spec.secrets.map((name) => [name, secrets[name] ?? '']))
  return { ...launch, env: { PATH: systemPath, LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8', TZ: 'UTC', ...launch.env, ...own } }
}

function fingerprint(launch: Launch, sources: string): string {
  return createHash('sha256').update(JSON.stringify(launch)).update(sources).digest('hex').slice(0, 16)
}

async function untilWell(spec: ProcessSpec, { settings, secrets, supervisor, places }: StartContext): Promise<void> {
  const deadline = Date.now() + READY_MS
  // A process that runs already may have been through a lot.
  const before = (await find(supervisor, spec.name))?.restarts ?? 0
  for (let look = 0; ; look++) {
    const ailment = await ailmentOf(spec, settings.ports, secrets)
    const now = look % 10 === 9 || ailment === undefined ? await find(supervisor, spec.name) : undefined
    // Well, and by our own process: the port might be answered by one that is just ending.
    if (ailment === undefined && now?.state === 'online') return
    const restarts = (now?.restarts ?? 0) - before
    if (restarts >= MOST_RESTARTS || Date.now() > deadline) {
      const what =
        restarts >= MOST_RESTARTS
          ? `${spec.name} ended ${restarts} times`
          : `${spec.name} isn't ready after ${READY_MS / 1000} s (${ailment})`
      throw new Error(
        `${what}; its last words (all: ${join(places.logs, `${spec.name}.log`)}):\n${lastWords(places, spec.name)}`,
      )
    }
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

async function find(supervisor: Supervisor, name: string): Promise<Supervised | undefined> {
  return (await supervisor.list()).find((one) => one.name === name)
}

function lastWords(places: Places, name: string): string {
  try {
    const lines = readFileSync(join(places.logs, `${name}.log`), 'utf8')
      .trimEnd()
      .split('\n')
    return lines
      .slice(-12)
      .map((line) => `  ${line.slice(0, 300)}`)
      .join('\n')
  } catch {
    return '  (it said nothing)'
  }
}

/** Until every connector's task runs. Throws after the same time as for a process. */
export async function untilConnectorsRun(settings: StackSettings): Promise<void> {
  const deadline = Date.now() + READY_MS
  for (;;) {
    const ailment = await ailingConnectorsOf(settings)
    if (ailment === undefined) return
    if (Date.now() > deadline)
      throw new Error(`the connectors don't run: ${ailment}; see npx --no tributary connectors status`)
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}
