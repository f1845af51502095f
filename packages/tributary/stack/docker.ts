import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { documented } from '#runtime/documented'
import { composeFile } from './compose.ts'
import { repository, type StackSettings } from './environment.ts'
import { ailingConnectorsOf } from './given-health.ts'
import { ailmentOf, type Condition, conditionOf } from './health.ts'
import { ensureHome, removeHome, withLock } from './home.ts'
import { type Places, placesOf } from './places.ts'
import { findTakenPorts, takenPortsMessage } from './ports.ts'
import { type ProcessSpec, select } from './processes.ts'
import type { Say } from './say.ts'
import { ensureSecrets, readSecrets } from './secrets.ts'
import { showOutput } from './show-output.ts'
import { type ProcessStatus, type StackStatus, statusOf, urlsOf } from './status.ts'
import { supervisorPid } from './supervisor/client.ts'
import { type UpOptions, untilConnectorsRun } from './up.ts'

const READY_MS = 600_000

const kibana: ProcessSpec = {
  name: 'kibana',
  kind: 'server',
  port: 'KIBANA_PORT',
  health: { ask: 'http', path: '/api/status' },
  needs: ['elasticsearch'],
  steps: [],
  secrets: [],
}

/**
 * Whether this computer runs the Docker stack. `auto` takes Docker where the project has a docker-compose.yml, its engine
 * answers and Compose is version 2, unless the native stack of this home runs already, or servers are given.
 * @throws Error when STACK=docker and it can't run
 */
export function usesDocker(settings: StackSettings): boolean {
  if (settings.stack === 'native') return false
  const { servers } = settings.given
  if (settings.stack === 'docker' && servers.length > 0) {
    throw new Error(
      `STACK=docker starts all servers itself, and ${servers.join(', ')} are given (${documented('guide/own-servers.md')}): use STACK=native`,
    )
  }
  if (servers.length > 0) return false
  if (settings.stack === 'auto' && supervisorPid(placesOf(settings)) !== undefined) return false
  if (!existsSync(composeFile)) {
    if (settings.stack === 'auto') return false
    throw new Error(`STACK=docker, but there is no ${composeFile}: use STACK=native`)
  }
  const answers = (...args: string[]) => spawnSync('docker', args, { stdio: 'ignore', timeout: 20_000 }).status === 0
  const engine = answers('info')
  const compose = engine && answers('compose', 'version')
  if (settings.stack === 'docker' && !compose) {
    throw new Error(
      engine
        ? 'STACK=docker, but `docker compose version` fails: install the Compose plugin (version 2), or use STACK=native'
        : 'STACK=docker, but no Docker engine answers (`docker info`): start it, or use STACK=native',
    )
  }
  return compose
}

export async function dockerUp(settings: StackSettings, { only, say, keep }: UpOptions): Promise<void> {
  const places = placesOf(settings)
  ensureHome(places)
  await withLock(places, async () => {
    const secrets = ensureSecrets(places.home, settings.shape.secretNames)
    const specs = only ? select(settings.shape.processes, only) : [...settings.shape.processes, kibana]
    await refuseTakenPorts(specs, settings, places)
    const names = only ? specs.map((spec) => spec.name) : []
    const before = new Set(runningContainers(settings, places))
    try {
      await compose(settings, places, ['up', '--detach', '--build', '--remove-orphans', ...names])
      await Promise.all(specs.map((spec) => untilWell(spec, settings, secrets, say)))
      if (!only) await untilConnectorsRun(settings)
    } catch (error) {
      const { message } = error as Error
      if (keep) throw new Error(`${message}\n\nWhat was started goes on running (--keep).`)
      const started = runningContainers(settings, places).filter((name) => !before.has(name))
      if (started.length > 0) await compose(settings, places, ['stop', ...started])
      throw new Error(
        `${message}\n\nWhat this command started was stopped; \`npx --no tributary logs\` has what was said.`,
      )
    }
  })
}

export async function dockerDown(settings: StackSettings): Promise<void> {
  await compose(settings, placesOf(settings), ['down', '--remove-orphans'])
}

export async function dockerClean(settings: StackSettings): Promise<void> {
  const places = placesOf(settings)
  await compose(settings, places, ['down', '--remove-orphans', '--volumes'])
  removeHome(places)
}

export async function dockerLogs(
  settings: StackSettings,
  names: readonly string[],
  { follow, lines }: { follow?: boolean; lines: number },
): Promise<void> {
  const places = placesOf(settings)
  const args = ['logs', '--tail', String(lines), ...(follow ? ['--follow'] : []), ...names]
  const options = { cwd: repository, env: composeEnvironment(settings, places) }
  const status = await showOutput('docker', composeArgs(places, args), options)
  if (status) throw new Error(`docker compose logs failed with status ${status}`)
}

export async function dockerCompose(settings: StackSettings, args: readonly string[]): Promise<void> {
  await compose(settings, placesOf(settings), args)
}

export async function dockerStatus(settings: StackSettings): Promise<StackStatus> {
  const places = placesOf(settings)
  const secrets = readSecrets(settings.home)
  const containers = containersOf(settings, places)
  const found = await Promise.all(
    [...settings.shape.processes, kibana].map(async (spec): Promise<ProcessStatus> => {
      const container = containers.get(spec.name)
      const runs = container?.State === 'running'
      const well: Condition = { ailment: undefined, concerns: [] }
      const { concerns, ...asked } = runs ? await conditionOf(spec, settings.ports, secrets) : well
      let { ailment } = asked
      if (runs && !ailment && spec.name === 'connect') {
        ailment = await ailingConnectorsOf(settings)
      }
      return {
        name: spec.name,
        kind: spec.kind,
        state: runs ? (ailment ? 'unwell' : 'ready') : container?.State === 'restarting' ? 'restarting' : 'stopped',
        ...(ailment ? { reason: ailment } : {}),
        concerns,
        pid: null,
        restarts: 0,
        port: settings.ports[spec.port]!,
        uptime: 0,
        memoryMb: 0,
        peakMemoryMb: 0,
      }
    }),
  )
  return statusOf(found, urlsOf(settings))
}

interface Container {
  readonly Service: string
  readonly State: string
}

function containersOf(settings: StackSettings, places: Places): Map<string, Container> {
  const { stdout } = spawnSync('docker', composeArgs(places, ['ps', '--all', '--format', 'json']), {
    encoding: 'utf8',
    env: composeEnvironment(settings, places),
  })
  // Older Compose prints one array, newer one object a line.
  const text = (stdout ?? '').trim()
  const list: Container[] = text.startsWith('[')
    ? JSON.parse(text)
    : text.split('\n').flatMap((line) => (line ? [JSON.parse(line)] : []))
  return new Map(list.map((container) => [container.Service, container]))
}

function runningContainers(settings: StackSettings, places: Places): string[] {
  return [...containersOf(settings, places).values()].filter((one) => one.State !== 'exited').map((one) => one.Service)
}

function composeArgs(places: Places, args: readonly string[]): string[] {
  // Compose's own name of the folder, which `docker compose` typed there means as well; another home is another project.
  const project = places.home === join(repository, '.tributary') ? [] : ['--project-name', `tributary-${places.mark}`]
  return ['compose', ...project, '--file', composeFile, ...args]
}

/** Settings, ports and secrets as Compose fills them in; before the first `up`, placeholders so that `down` works too. */
export function composeEnvironment(settings: StackSettings, places: Places): NodeJS.ProcessEnv {
  return {
    ...process.env,
    ...Object.fromEntries(settings.shape.secretNames.map((name) => [name, 'not-made-yet'])),
    ...readSecrets(places.home),
    ...Object.fromEntries(Object.entries(settings.ports).map(([name, port]) => [name, String(port)])),
    LOG_LEVEL: settings.logLevel,
    ALLOWED_HOSTS: settings.allowedHosts,
    // Docker refuses a container more processors than there are.
    CONTAINER_CPUS: process.env.CONTAINER_CPUS || String(Math.min(2, availableParallelism())),
  }
}

function compose(settings: StackSettings, places: Places, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('docker', composeArgs(places, args), {
      cwd: repository,
      env: composeEnvironment(settings, places),
      stdio: 'inherit',
    })
    child.on('error', reject)
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`docker compose ${args[0]} failed with status ${code}`)),
    )
  })
}

/** Ports of containers that run already are ours. */
async function refuseTakenPorts(specs: readonly ProcessSpec[], settings: StackSettings, places: Places): Promise<void> {
  const containers = containersOf(settings, places)
  const wanted = specs.filter((spec) => containers.get(spec.name)?.State !== 'running').map((spec) => spec.port)
  const taken = await findTakenPorts(new Map(wanted.map((variable) => [variable, settings.ports[variable]!])))
  if (taken.length > 0) throw new Error(takenPortsMessage(taken))
}

async function untilWell(
  spec: ProcessSpec,
  settings: StackSettings,
  secrets: Readonly<Record<string, string>>,
  say: Say,
): Promise<void> {
  const deadline = Date.now() + READY_MS
  for (;;) {
    const ailment = await ailmentOf(spec, settings.ports, secrets)
    if (ailment === undefined) return say.line(`${spec.name} is ready`)
    if (Date.now() > deadline) {
      throw new Error(
        `${spec.name} isn't ready after ${READY_MS / 1000} s (${ailment}): npx --no tributary logs ${spec.name}`,
      )
    }
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}
