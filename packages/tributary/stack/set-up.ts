import { spawn } from 'node:child_process'
import { repository, type StackSettings } from './environment.ts'
import { entry, ownEnvironment } from './own-processes.ts'
import type { Places } from './places.ts'
import { type SetUpStep, setUpSteps } from './processes.ts'
import type { Say } from './say.ts'

/** Whether the command line knows a command, e.g. `['connectors', 'apply']`. */
export type CommandExists = (command: readonly string[]) => boolean

/**
 * Runs the steps between the servers and our own processes, each as soon as those before it are done.
 * @param steps which; of those that one waits for, any that aren't among them are done already
 */
export async function runSetUpSteps(
  settings: StackSettings,
  places: Places,
  secrets: Readonly<Record<string, string>>,
  commandExists: CommandExists,
  say: Say,
  steps: readonly SetUpStep[] = setUpSteps,
): Promise<void> {
  const done = new Map<string, Promise<void>>()
  for (const step of steps) {
    if (!commandExists(step.command)) continue
    const run = async () => {
      await Promise.all(step.after.flatMap((name) => done.get(name) ?? []))
      await say.step(`${step.says} are in place`, () => runStep(step, settings, places, secrets))
    }
    done.set(step.command.join(' '), run())
  }
  await Promise.all(done.values())
}

function runStep(
  step: SetUpStep,
  settings: StackSettings,
  places: Places,
  secrets: Readonly<Record<string, string>>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [entry, ...step.command], {
      cwd: repository,
      env: {
        ...ownEnvironment(settings, places, step.enters),
        TRIBUTARY_SUPERVISED: '1',
        ...(step.secrets === 'all' ? { ...secrets, ...settings.given.setUp } : {}),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        said = (said + chunk).slice(-8000)
      })
    child.on('error', reject)
    child.on('close', (code) =>
      code === 0
        ? resolve()
        : reject(new Error(`npx --no tributary ${step.command.join(' ')} failed with status ${code}:\n${said.trim()}`)),
    )
  })
}
