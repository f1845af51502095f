import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { dockerClean, dockerCompose, dockerDown, dockerLogs, dockerStatus, dockerUp, usesDocker } from './docker.ts'
import { clean, down, restartProcesses, stopProcesses } from './down.ts'
import type { StackSettings } from './environment.ts'
import { placesOf } from './places.ts'
import type { Say } from './say.ts'
import type { CommandExists } from './set-up.ts'
import { showOutput } from './show-output.ts'
import { nativeStatus, type StackStatus } from './status.ts'
import { type UpOptions, up } from './up.ts'
import { playDemo, whereEverythingIs } from './welcome.ts'

export { statusTable } from './status.ts'

export async function upAny(settings: StackSettings, options: UpOptions): Promise<void> {
  const start = performance.now()
  const docker = usesDocker(settings)
  await (docker ? dockerUp(settings, options) : up(settings, options))
  if (!options.only) await playDemo(settings, options)
  options.say.line(`\n${whereEverythingIs(settings, options)}`)
  if (docker && !options.only) options.say.line(`Kibana           http://127.0.0.1:${settings.ports.KIBANA_PORT}`)
  options.say.line(`\nready after ${((performance.now() - start) / 1000).toFixed(1)} s`)
}

/** `up`, `down`, … of whichever stack this computer runs. */
export async function downAny(settings: StackSettings, say: Say): Promise<void> {
  return usesDocker(settings) ? dockerDown(settings) : down(settings, say)
}

export async function cleanAny(settings: StackSettings, say: Say): Promise<void> {
  return usesDocker(settings) ? dockerClean(settings) : clean(settings, say)
}

export async function statusAny(settings: StackSettings, commandExists: CommandExists): Promise<StackStatus> {
  return usesDocker(settings) ? dockerStatus(settings) : nativeStatus(settings, commandExists)
}

export async function stopAny(settings: StackSettings, names: readonly string[], say: Say): Promise<void> {
  return usesDocker(settings) ? dockerCompose(settings, ['stop', ...names]) : stopProcesses(settings, names, say)
}

export async function restartAny(settings: StackSettings, names: readonly string[], say: Say): Promise<void> {
  return usesDocker(settings) ? dockerCompose(settings, ['restart', ...names]) : restartProcesses(settings, names, say)
}

export async function startAny(settings: StackSettings, options: UpOptions): Promise<void> {
  if (usesDocker(settings)) await dockerUp(settings, options)
  else await up(settings, options)
}

export async function logsAny(
  settings: StackSettings,
  names: readonly string[],
  options: { follow?: boolean; lines: number },
): Promise<void> {
  if (usesDocker(settings)) return dockerLogs(settings, names, options)
  const { logs } = placesOf(settings)
  const wanted = names.length > 0 ? names : settings.shape.processes.map((spec) => spec.name)
  const files = wanted.map((name) => join(logs, `${name}.log`)).filter((file) => existsSync(file))
  if (files.length === 0) return console.log(`no logs in ${logs} yet`)
  await showOutput('tail', ['-n', String(options.lines), ...(options.follow ? ['-F'] : []), ...files])
}
