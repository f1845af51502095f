import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts } from 'tributary/testing/stack'
import { bash, newLibrary } from './project.ts'

/** A new project with a stack of its own, used as its user does: by `.env` and commands. */
export interface OwnStack {
  readonly folder: string
  /** `http://127.0.0.1:…` of what listens on a port, by its variable: `LOANS_PORT`. */
  at(variable: string): string
  /** Types `npx --no tributary …`. Throws with what it said unless it ends well. `env` is the shell's. */
  tributary(args: string, env?: Readonly<Record<string, string>>): Promise<string>
  /** The same for what is to fail: gives what it said. */
  refused(args: string, env?: Readonly<Record<string, string>>): Promise<string>
  /** Stops and deletes all of it. */
  remove(): Promise<void>
}

/** Nothing is started yet. */
export async function ownStack(name: string, settings: Readonly<Record<string, string>> = {}): Promise<OwnStack> {
  const { folder, remove } = newLibrary(name)
  const names = Object.keys(await defaultPorts(folder))
  const found = await freePorts(names.length)
  const ports = Object.fromEntries(names.map((variable, i) => [variable, String(found[i])]))
  const lines = Object.entries({ STACK: 'native', LOG_LEVEL: 'warn', ...ports, ...settings })
  writeFileSync(join(folder, '.env'), lines.map(([variable, value]) => `${variable}="${value}"\n`).join(''))
  const type = (args: string, env = {}) => bash(folder, `npx --no tributary ${args}`, env, 400_000)
  const expecting = (well: boolean) => async (args: string, env?: Readonly<Record<string, string>>) => {
    const { exit, said } = await type(args, env)
    if ((exit === 0) !== well) throw new Error(`tributary ${args} ends with ${exit}:\n${said}`)
    return said
  }
  return {
    folder,
    at: (variable) => `http://127.0.0.1:${ports[variable]}`,
    tributary: expecting(true),
    refused: expecting(false),
    async remove() {
      await expecting(true)('clean')
      remove()
    },
  }
}

/** The ports of a project by their variables, as they are without settings. */
export async function defaultPorts(folder: string): Promise<Readonly<Record<string, number>>> {
  const shape = `import('tributary/testing/stack').then(({ shape }) => console.log(JSON.stringify(shape.defaultPorts)))`
  const { said } = await bash(folder, `node -e "${shape}"`)
  return JSON.parse(said)
}
