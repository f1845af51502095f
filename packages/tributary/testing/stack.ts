import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { isAlive } from '#runtime/is-alive'
import { addresses } from '#stack/environment'
import { readSecrets } from '#stack/secrets'
import { freePorts } from './free-ports.ts'
import { type Stack, shape, stackAt } from './stack-handle.ts'

export { freePorts } from './free-ports.ts'
export { type CommandResult, type Stack, shape, stackAt } from './stack-handle.ts'

export interface ScratchStack extends Stack {
  /** Stops everything and deletes every trace. */
  stop(): Promise<void>
}

const PREFIX = 'tributary-scratch-'

/**
 * Starts the native stack on free ports, in a folder of its own below the system's temporary folder.
 * When this process ends without `stop`, however, a watchdog stops and deletes it.
 * @param only names for `up --only`; everything without it (`[]` starts nothing)
 * @param env settings on top, as in `.env`
 * @param folderName of the home
 */
export async function scratchStack({
  only,
  env = {},
  folderName = 'home',
}: {
  only?: readonly string[]
  env?: Readonly<Record<string, string>>
  folderName?: string
} = {}): Promise<ScratchStack> {
  await cleanAbandoned()
  const folder = mkdtempSync(join(tmpdir(), PREFIX))
  // The servers may run as another user than the one who calls.
  chmodSync(folder, 0o755)
  const home = join(folder, folderName)
  const names = Object.keys(shape.defaultPorts)
  const found = await freePorts(names.length)
  const ports = Object.fromEntries(names.map((name, i) => [name, found[i]!]))
  const settings = {
    STACK: 'native',
    DEMO: 'off',
    LOG_LEVEL: 'warn',
    TRIBUTARY_HOME: home,
    ...addresses(shape, ports),
    ...env,
  }
  writeFileSync(join(folder, 'owner'), String(process.pid))
  writeFileSync(join(folder, 'settings.json'), JSON.stringify(settings))
  const watchdog = spawn(
    process.execPath,
    [join(import.meta.dirname, `watchdog${extname(import.meta.filename)}`), folder],
    {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    },
  )
  watchdog.unref()
  ;(watchdog.stdin as unknown as { unref(): void }).unref()

  const bare = stackAt(settings)
  const stop = async () => {
    const { code, stdout, stderr } = await bare.tributary(['clean'], { timeoutMs: 120_000 })
    if (code !== 0) throw new Error(`the scratch stack could not be stopped:\n${stdout}\n${stderr}`)
    rmSync(folder, { recursive: true, force: true })
    watchdog.kill()
  }
  if (only?.length !== 0) {
    const { code, stdout, stderr } = await bare.tributary(['up', ...(only ? ['--only', only.join(',')] : [])], {
      timeoutMs: 600_000,
    })
    if (code !== 0) {
      await stop()
      throw new Error(`the scratch stack could not be started:\n${stdout}\n${stderr}`)
    }
  }
  return { ...stackAt({ ...settings, ...readSecrets(home) }), stop }
}

/** The stack the test run started for every file (see vitest.config.ts). */
export function connectStack(): Stack {
  const settings = process.env.TRIBUTARY_TEST_STACK
  if (!settings) throw new Error('no stack was started for this test: run it as a file of the project "int" or "e2e"')
  return stackAt(JSON.parse(settings))
}

/** Stops and deletes stacks whose test run, and whose watchdog, are gone. */
async function cleanAbandoned(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((one) => one.startsWith(PREFIX))) {
    const folder = join(tmpdir(), name)
    try {
      if (isAlive(Number(readFileSync(join(folder, 'owner'), 'utf8')))) continue
      await stackAt(JSON.parse(readFileSync(join(folder, 'settings.json'), 'utf8'))).tributary(['clean'])
      rmSync(folder, { recursive: true, force: true })
    } catch {
      // Another user's, or one that is just being made.
    }
  }
}
