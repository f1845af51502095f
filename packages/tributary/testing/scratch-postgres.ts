import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import type { DatabaseLogin } from '#database/connect'

/** The variable that names a PostgreSQL server for tests to use: with the login of a superuser, who may do as they like there. */
const VARIABLE = 'TEST_POSTGRES_URL'

/** A superuser's login, into any database. */
export type ScratchPostgres = Omit<DatabaseLogin, 'database'>

/**
 * A PostgreSQL server for tests: the one that TEST_POSTGRES_URL names (`postgres://postgres:password@host:port`), else one
 * of this process's own, on a free port and in a folder below the system's temporary one, which goes with the process.
 */
export function scratchPostgres(): Promise<ScratchPostgres> {
  const url = process.env[VARIABLE]
  if (url) return Promise.resolve(loginOf(url))
  // Beyond the module: test runners load modules anew for each file, and the process may be the same.
  const shared = globalThis as { [STARTED]?: Promise<ScratchPostgres> }
  shared[STARTED] ??= start().then(({ url }) => loginOf(url))
  return shared[STARTED]
}

const STARTED = Symbol.for('tributary.scratch-postgres')

/** Vitest's `globalSetup`: one server for all files of a run, instead of one for each that needs it. */
export default async function setUp(): Promise<() => Promise<void>> {
  if (process.env[VARIABLE]) return async () => {}
  const { url, stop } = await start()
  process.env[VARIABLE] = url
  return stop
}

async function start(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-postgres-'))
  const password = randomBytes(16).toString('hex')
  const file = join(import.meta.dirname, `postgres-keeper${extname(import.meta.filename)}`)
  const keeper = spawn(process.execPath, [file, folder], {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, SCRATCH_PASSWORD: password },
  })
  const ended = new Promise<void>((resolve) => keeper.once('close', () => resolve()))
  const port = await new Promise<string>((resolve, reject) => {
    let said = ''
    keeper.stderr.on('data', (chunk) => {
      said = (said + chunk).slice(-4_000)
    })
    keeper.stdout.once('data', (chunk) => resolve(String(chunk).trim()))
    keeper.once('error', reject)
    keeper.once('close', (code) =>
      reject(
        new Error(
          `a PostgreSQL for tests could not be started; ${VARIABLE} may name another (status ${code}):\n${said.trim()}`,
        ),
      ),
    )
  })
  // It doesn't keep this process, and ends when this one does.
  keeper.unref()
  for (const stream of [keeper.stdin, keeper.stdout, keeper.stderr]) (stream as unknown as { unref(): void }).unref()
  return {
    url: `postgres://postgres:${password}@127.0.0.1:${port}`,
    stop: () => {
      keeper.stdin.end()
      return ended
    },
  }
}

function loginOf(url: string): ScratchPostgres {
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url)) {
    throw new Error(`${VARIABLE} is no address like postgres://postgres:password@localhost:5432`)
  }
  const { hostname, port, username, password } = new URL(url)
  return {
    host: hostname,
    port: Number(port || 5432),
    user: decodeURIComponent(username || 'postgres'),
    password: decodeURIComponent(password),
  }
}
