import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { dockerClean, dockerCompose, dockerDown, dockerLogs, dockerStatus, dockerUp, usesDocker } from './docker.ts'
import { clean, down, restartProcesses, stopProcesses } from './down.ts'
import { readStackSettings } from './environment.ts'
import { placesOf } from './places.ts'
import { processes } from './processes.ts'
import type { Say } from './say.ts'
import type { CommandExists } from './set-up.ts'
import { showOutput } from './show-output.ts'
import { nativeStatus, type StackStatus } from './status.ts'
import { type UpOptions, up } from './up.ts'
import { playDemo, whereEverythingIs } from './welcome.ts'

export { statusTable } from './status.ts'

const onDocker = () => usesDocker(readStackSettings())

export async function upAny(options: UpOptions): Promise<void> {
  const start = performance.now()
  const docker = onDocker()
  const settings = docker ? await dockerUp(options) : await up(options)
  if (!options.only) await playDemo(settings, options)
  options.say.line(`\n${whereEverythingIs(settings, options)}`)
  if (docker && !options.only) options.say.line(`Kibana           http://127.0.0.1:${settings.ports.KIBANA_PORT}`)
  options.say.line(`\nready after ${((performance.now() - start) / 1000).toFixed(1)} s`)
}

/** `up`, `down`, … of whichever stack this computer runs. */
export async function downAny(say: Say): Promise<void> {
  return onDocker() ? dockerDown() : down(say)
}

export async function cleanAny(say: Say): Promise<void> {
  return onDocker() ? dockerClean() : clean(say)
}

export async function statusAny(commandExists: CommandExists): Promise<StackStatus> {
  return onDocker() ? dockerStatus() : nativeStatus(commandExists)
}

export async function stopAny(names: readonly string[], say: Say): Promise<void> {
  return onDocker() ? dockerCompose(['stop', ...names]) : stopProcesses(names, say)
}

export async function restartAny(names: readonly string[], say: Say): Promise<void> {
  return onDocker() ? dockerCompose(['restart', ...names]) : restartProcesses(names, say)
}

export async function startAny(options: UpOptions): Promise<void> {
  if (onDocker()) await dockerUp(options)
  else await up(options)
}

export async function logsAny(names: readonly string[], options: { follow?: boolean; lines: number }): Promise<void> {
  if (onDocker()) return dockerLogs(names, options)
  const { logs } = placesOf(readStackSettings())
  const wanted = names.length > 0 ? names : processes.map((spec) => spec.name)
  const files = wanted.map((name) => join(logs, `${name}.log`)).filter((file) => existsSync(file))
  if (files.length === 0) return console.log(`no logs in ${logs} yet`)
  await showOutput('tail', ['-n', String(options.lines), ...(options.follow ? ['-F'] : []), ...files])
}
