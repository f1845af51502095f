import { spawn } from 'node:child_process'
import { dirname, extname, join, relative } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { readStackSettings, type StackSettings } from '../environment.ts'
import { entry } from '../own-processes.ts'
import { placesOf } from '../places.ts'
import { setUpSteps } from '../processes.ts'
import { ensureSecrets } from '../secrets.ts'
import { runStep } from '../set-up.ts'
import { type Shape, shapeOf } from '../shape.ts'
import type { Supervisor } from '../supervisor/client.ts'
import { concernedBy, type Fault, joined, type Project, roomOf, type SetUpName } from './project.ts'
import type { Loaded, Loader } from './read-project.ts'
import type { Restarts } from './restarts.ts'
import type { Screen } from './screen.ts'
import type { Types } from './types.ts'
import { foldersWithin, type WatchedFiles } from './watch-files.ts'

/** Where a project's files are, beside those that lie elsewhere and are imported. */
const ROOMS = ['schemas', 'producers', 'connectors', 'processors', 'sinks', 'tests']
const MOST_NAMED = 4
/** How long the types wait for the processes that were started, which are what somebody looks at first. */
const TYPES_WAIT_MS = 4_000

export interface Parts {
  /** The project's folder. */
  readonly root: string
  readonly screen: Screen
  readonly supervisor: Supervisor
  readonly restarts: Restarts
  readonly types: Types
  readonly loader: Loader
  readonly watched: WatchedFiles
  /** The processes that were asked for, with those they need; all where it is left out. */
  readonly only?: readonly string[] | undefined
  /**
   * Brings up a system whose processes are others than before, and ends those it has no more.
   * @param only what is to run of it; all where it is left out
   */
  up(settings: StackSettings, before: StackSettings, only: readonly string[] | undefined): Promise<void>
}

/**
 * Makes the running processes follow the files. One batch of changes after the other; those that come meanwhile are the
 * next batch. What can't be loaded stops nothing: the processes that run go on until it can be.
 */
export class Changes {
  readonly #parts: Parts
  #settings: StackSettings
  /** What runs was made of this. */
  #project: Project
  #faults: readonly Fault[] = []
  #changed = new Set<string>()
  /** Files that changed while nothing could be loaded, and processes that can't be started anew yet. */
  #owedFiles = new Set<string>()
  #owed = new Set<string>()
  #applied: Project['setUp']
  #working = false
  #closed = new AbortController()

  constructor(parts: Parts, settings: StackSettings, loaded: Loaded & { readonly project: Project }) {
    this.#parts = parts
    this.#settings = settings
    this.#project = loaded.project
    this.#applied = loaded.project.setUp
    this.#show(loaded.faults)
    parts.watched.watch(foldersOf(this.#project, parts.root))
  }

  /** As the processes are now: a change of the config may have made others of them. */
  get settings(): StackSettings {
    return this.#settings
  }

  /** Takes note of files that have changed; returns at once. */
  add(files: readonly string[]): void {
    for (const file of files) this.#changed.add(file)
    if (this.#working) return
    this.#working = true
    void this.#work()
      .catch((error: Error) => this.#closed.signal.aborted || this.#parts.screen.fault('dev', error.message))
      .finally(() => {
        this.#working = false
      })
  }

  close(): void {
    this.#closed.abort()
    this.#parts.loader.close()
  }

  async #work(): Promise<void> {
    while (this.#changed.size > 0 && !this.#closed.signal.aborted) {
      const files = [...this.#changed]
      this.#changed.clear()
      await this.#follow(files)
    }
  }

  async #follow(files: readonly string[]): Promise<void> {
    const { root, screen, types, loader, restarts, watched } = this.#parts
    const began = performance.now()
    if (files.includes(join(root, '.env'))) screen.say('.env is read at the start: end this and start it again')
    types.cancel()
    // One that can't be generated holds back nothing but itself: its module is as it was.
    if (files.some((file) => extname(file) === '.avsc')) await this.#generate()
    if (!this.#matters(files)) {
      watched.watch(foldersOf(this.#project, root))
      return this.#checkTypes(files)
    }

    const loaded = await loader.load(files)
    for (const file of files) this.#owedFiles.add(file)
    this.#show(loaded.faults)
    if (!loaded.project) return loader.standBy()
    const before = this.#project
    this.#project = loaded.faults.length > 0 ? joined(before, loaded.project) : loaded.project
    watched.watch(foldersOf(this.#project, root))

    const concerned = new Set([
      ...concernedBy(joined(before, loaded.project), root, this.#owedFiles),
      ...this.#owed,
      ...restarts.ended,
    ])
    this.#owedFiles.clear()
    this.#owed = concerned
    if (!(await this.#setUp(loaded))) return loader.standBy()
    const faulty = new Set(loaded.faults.flatMap(({ service }) => service ?? []))
    const now = [...concerned].filter((name) => !faulty.has(name))
    this.#owed = new Set([...concerned].filter((name) => faulty.has(name)))

    if (now.length > 0) screen.say(`${few(files.map((file) => relative(root, file)))} → ${now.join(', ')}`)
    const { well } = await restarts.restart(now, this.#settings, began)
    this.#checkTypes(files, well)
  }

  /** Whether anything that runs could be another now. Where something is wrong, whatever comes may mend it. */
  #matters(files: readonly string[]): boolean {
    const { root, restarts } = this.#parts
    if (this.#faults.length > 0 || this.#owed.size > 0 || restarts.ended.size > 0) return true
    return (
      files.some((file) => roomOf(file, root) === 'connectors') ||
      concernedBy(this.#project, root, files).size > 0 ||
      files.some((file) => this.#project.imports[file] !== undefined)
    )
  }

  /** Types are looked at, and the next load is made ready, when the processes have had their time. */
  #checkTypes(files: readonly string[], well: Promise<unknown> = Promise.resolve()): void {
    const { types, loader } = this.#parts
    void Promise.race([well, after(TYPES_WAIT_MS, undefined, { signal: this.#closed.signal })])
      .then(() => {
        loader.standBy()
        if (this.#changed.size > 0 || this.#closed.signal.aborted) return
        if (files.some((file) => /\.(ts|json|avsc)$/.test(file))) types.check()
      })
      .catch(() => {})
  }

  #show(faults: readonly Fault[]): void {
    const { screen } = this.#parts
    for (const { place, message, service } of faults) {
      const which = service ? `${service} doesn't load` : 'the project does not load'
      const goesOn = 'what runs goes on as it was'
      screen.fault('dev', `${place ? `${place} ` : ''}${message}\n${which}: ${goesOn}`)
    }
    if (faults.length === 0 && this.#faults.length > 0) screen.well('dev', 'everything loads again')
    this.#faults = faults
  }

  /** The module that belongs to the .avsc files: where it changes it is a change of its own. */
  async #generate(): Promise<void> {
    try {
      await run(this.#parts.root, ['schemas', 'generate'])
    } catch (error) {
      this.#parts.screen.fault('dev', (error as Error).message)
    }
  }

  /** Databases, topics, schemas, connectors as the project wants them now. False where that can't be. */
  async #setUp({ project, faults }: Loaded): Promise<boolean> {
    // What doesn't load has no migrations to run: it is looked at again when it does.
    if (!project || faults.length > 0) return true
    const { screen, only, up } = this.#parts
    try {
      if (!isOther(project, this.#settings)) {
        await this.#runSteps(project, this.#settings)
        return true
      }
      const wanted = settingsOf(project, this.#settings)
      const before = ownNames(this.#settings.shape)
      const now = ownNames(wanted.shape)
      screen.say('the project has other processes now')
      // Where only some are asked for, `up` leaves the set-up alone.
      if (only) await this.#runSteps(project, wanted)
      const still = only?.filter((name) => now.includes(name) || !before.includes(name))
      await up(wanted, this.#settings, still)
      const left = only ? now.filter((name) => !before.includes(name) && !only.includes(name)) : []
      if (left.length > 0) screen.say(`not started, since --only doesn't name it: ${left.join(', ')}`)
      this.#settings = wanted
      this.#applied = project.setUp
      this.#owed.clear()
      return false
    } catch (error) {
      screen.fault('dev', (error as Error).message)
      return false
    }
  }

  /** The steps that have something to do again, as far as the servers they enter run. */
  async #runSteps(project: Project, settings: StackSettings): Promise<void> {
    const { only, supervisor, screen } = this.#parts
    const places = placesOf(settings)
    const running = only && new Set([...(await supervisor.list()).map(({ name }) => name), ...settings.given.servers])
    for (const step of setUpSteps) {
      const name = step.command.join(' ') as SetUpName
      if (project.setUp[name] === this.#applied[name]) continue
      if (running && !step.enters.every((server) => running.has(server))) continue
      await runStep(step, settings, places, ensureSecrets(places.home, settings.shape.secretNames))
      this.#applied = { ...this.#applied, [name]: project.setUp[name] }
      screen.say(`${step.says} are as written`)
    }
  }
}

/** A branch that is checked out changes many files at once. */
const few = (names: readonly string[]) =>
  names.length <= MOST_NAMED
    ? names.join(', ')
    : `${names.slice(0, MOST_NAMED).join(', ')} and ${names.length - MOST_NAMED} more`

/** Every folder in which something may change. */
function foldersOf(project: Project, root: string): ReadonlySet<string> {
  const modules = Object.entries(project.imports).flatMap(([from, to]) => [from, ...to])
  return new Set([
    root,
    ...ROOMS.flatMap((room) => foldersWithin(join(root, room))),
    ...modules.map((file) => dirname(file)),
  ])
}

/** The processes that run the project's own code. */
export const ownNames = ({ processes }: Shape): readonly string[] =>
  processes.flatMap(({ name, command }) => (command ? [name] : []))

const namedIn = ({ services, elsewhere, topologies }: Project) => ({
  services,
  elsewhere,
  topologies: new Map(topologies.map((name) => [name, undefined])),
})

function isOther(project: Project, { shape }: StackSettings): boolean {
  return ownNames(shapeOf(namedIn(project))).join() !== ownNames(shape).join()
}

/** A port that was nobody's wish is given anew: the processes' default ports follow from their order. */
function settingsOf(project: Project, { shape }: StackSettings): StackSettings {
  const isDefault = (name: string, value: string | undefined) => value === String(shape.defaultPorts[name])
  const env = Object.entries(process.env).filter(([name, value]) => !isDefault(name, value))
  return readStackSettings(shapeOf(namedIn(project)), Object.fromEntries(env))
}

/** Runs a command of the project's own, with the code that is there now. Rejects with what it said when it fails. */
function run(root: string, command: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [entry, ...command], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        said += chunk
      })
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(said.trim() || `status ${code}`))))
  })
}
