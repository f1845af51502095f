import { existsSync } from 'node:fs'
import type { StackSettings } from './environment.ts'
import { removeHome, withLock } from './home.ts'
import { endLeftovers, leftovers } from './leftovers.ts'
import { type Places, placesOf } from './places.ts'
import type { ProcessSpec } from './processes.ts'
import type { Say } from './say.ts'
import { endSupervisor, openSupervisor, type Supervisor, supervisorPid } from './supervisor/client.ts'

/** Stops everything of this home: our processes, then those they need, PostgreSQL last. The data stays. */
export async function down(settings: StackSettings, say: Say): Promise<void> {
  const places = placesOf(settings)
  if (!existsSync(places.home)) return say.line('nothing runs')
  await withLock(places, () => stopAll(settings, places, say))
}

/** Stops everything of this home and deletes its data, logs and secrets. Downloads stay. */
export async function clean(settings: StackSettings, say: Say): Promise<void> {
  const places = placesOf(settings)
  if (existsSync(places.home)) {
    await withLock(places, () => stopAll(settings, places, say))
    removeHome(places)
  }
  say.line(`${places.home} is gone`)
}

/** Stops single processes, by name. */
export async function stopProcesses(settings: StackSettings, names: readonly string[], say: Say): Promise<void> {
  await onEach(settings, names, (supervisor, name) => supervisor.remove(name), say, 'stopped')
}

/** Ends single processes and starts them as they were. */
export async function restartProcesses(settings: StackSettings, names: readonly string[], say: Say): Promise<void> {
  await onEach(settings, names, (supervisor, name) => supervisor.restart(name), say, 'restarted')
}

async function onEach(
  settings: StackSettings,
  names: readonly string[],
  act: (supervisor: Supervisor, name: string) => Promise<void>,
  say: Say,
  done: string,
): Promise<void> {
  const places = placesOf(settings)
  const { processes } = settings.shape
  const unknown = names.find((name) => !processes.some((spec) => spec.name === name))
  if (unknown) {
    throw new Error(`there is no process "${unknown}": choose among ${processes.map((spec) => spec.name).join(', ')}`)
  }
  if (supervisorPid(places) === undefined) return say.line('nothing runs')
  await withLock(places, async () => {
    const supervisor = await openSupervisor(places)
    try {
      await Promise.all(names.map((name) => act(supervisor, name)))
    } finally {
      supervisor.close()
    }
  })
  say.line(`${done} ${names.join(', ')}`)
}

async function stopAll({ shape }: StackSettings, places: Places, say: Say): Promise<void> {
  let stopped = 0
  if (supervisorPid(places) !== undefined) {
    const supervisor = await openSupervisor(places)
    try {
      const list = await supervisor.list().catch(() => undefined)
      if (!list) say.line('the supervisor is of another version, or hangs: it is ended with all that it keeps')
      const running = new Set(list?.map((one) => one.name))
      for (const layer of stoppingOrder(shape.processes)) {
        const here = layer.filter((name) => running.has(name))
        await Promise.all(here.map((name) => supervisor.remove(name)))
        stopped += here.length
      }
    } finally {
      supervisor.close()
    }
  }
  await endSupervisor(places)
  const left = leftovers(shape, places, new Set())
  await endLeftovers(left)
  stopped += left.size
  say.line(stopped === 0 ? 'nothing runs' : `${stopped} processes stopped`)
}

/** Layers of names: each only after everything that needs it. */
function stoppingOrder(processes: readonly ProcessSpec[]): string[][] {
  const layers: string[][] = []
  let left = [...processes]
  while (left.length > 0) {
    const free = left.filter((spec) => !left.some((other) => other.needs.includes(spec.name)))
    layers.push(free.map((spec) => spec.name))
    left = left.filter((spec) => !free.includes(spec))
  }
  return layers
}
