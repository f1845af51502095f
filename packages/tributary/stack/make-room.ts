/** What has to go before anything is started, and what is in the way. */
import type { StackSettings } from './environment.ts'
import { endLeftovers, leftovers } from './leftovers.ts'
import type { Places } from './places.ts'
import { findTakenPorts, type TakenPort, takenPortsMessage } from './ports.ts'
import type { ProcessSpec } from './processes.ts'
import type { Say } from './say.ts'
import { openSupervisor, type Supervised, supervisorPid } from './supervisor/client.ts'

/** What the supervisor of this home runs now; doesn't start one. */
export async function runningProcesses(places: Places): Promise<Map<string, Supervised>> {
  if (supervisorPid(places) === undefined) return new Map()
  const supervisor = await openSupervisor(places)
  try {
    return new Map((await supervisor.list()).map((one) => [one.name, one]))
  } finally {
    supervisor.close()
  }
}

/** Ends what a supervisor that is gone has left running. */
export async function endWhatIsLeftOver(
  { shape }: StackSettings,
  places: Places,
  running: Map<string, Supervised>,
  say: Say,
): Promise<void> {
  const known = new Set([...running.values()].flatMap((one) => one.pid ?? []))
  const daemon = supervisorPid(places)
  if (daemon !== undefined) known.add(daemon)
  const found = leftovers(shape, places, known)
  if (found.size === 0) return
  await say.step(`ended ${found.size} processes of a stack whose supervisor is gone`, () => endLeftovers(found))
}

/**
 * Ends processes that the system has no more, and those of ours that hold a port which is another one's now: these are
 * started anew on their own. Throws for ports that somebody else holds.
 */
export async function makeRoom(
  settings: StackSettings,
  places: Places,
  specs: readonly ProcessSpec[],
  running: Map<string, Supervised>,
  say: Say,
): Promise<void> {
  const known = new Set(settings.shape.processes.map(({ name }) => name))
  const gone = [...running.keys()].filter((name) => !known.has(name))
  await endProcesses(places, gone, running)
  const taken = await takenPorts(settings, specs, running)
  const ours = new Map([...running].flatMap(([name, { pid }]) => (pid ? [[pid, name] as const] : [])))
  const moved = new Set(taken.flatMap(({ pid }) => (pid && ours.get(pid)) || []))
  await endProcesses(places, [...moved], running)
  if (gone.length > 0) say.line(`ended what the system has no more: ${gone.join(', ')}`)
  const others = moved.size > 0 ? await takenPorts(settings, specs, running) : taken
  if (others.length > 0) throw new Error(takenPortsMessage(others))
}

async function endProcesses(places: Places, names: readonly string[], running: Map<string, Supervised>): Promise<void> {
  if (names.length === 0) return
  const supervisor = await openSupervisor(places)
  try {
    for (const name of names) {
      await supervisor.remove(name)
      running.delete(name)
    }
  } finally {
    supervisor.close()
  }
}

async function takenPorts(
  settings: StackSettings,
  specs: readonly ProcessSpec[],
  running: Map<string, Supervised>,
): Promise<TakenPort[]> {
  const wanted = new Map<string, number>()
  for (const spec of specs) {
    if (running.get(spec.name)?.pid) continue
    for (const variable of [spec.port, ...(spec.otherPorts ?? [])]) wanted.set(variable, settings.ports[variable]!)
  }
  return findTakenPorts(wanted)
}
