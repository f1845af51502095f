/**
 * Keeps a PostgreSQL for tests: makes it in the folder that is its argument, starts it, says on which port it listens, and
 * when its standard input closes (whoever started it is gone, however it ended) stops it and deletes the folder.
 */
import { spawn } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { defaultCache } from '#stack/environment'
import { postgresBinaries } from '#stack/native/postgres'
import { runAs } from '#stack/native/run-as'
import { serversAccount } from '#stack/places'
import { initdbArguments, serversSettings } from '#stack/settings'
import { freePorts } from './free-ports.ts'

/** Nothing of it outlives a crash, nor should it. */
const CARELESS = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }

const [, , folder] = process.argv
if (!folder) throw new Error('usage: postgres-keeper.ts <folder>')

const account = serversAccount()
const { TRIBUTARY_CACHE: given, SCRATCH_PASSWORD: password = '' } = process.env
const bin = join(await postgresBinaries({ account, cache: given ? resolve(given) : defaultCache(process.env) }), 'bin')

const home = join(folder, 'home')
const secret = join(folder, 'password')
mkdirSync(home)
writeFileSync(secret, password, { mode: 0o600 })
// Postgres may run as another user than the one who calls.
chmodSync(folder, 0o755)
if (account) for (const path of [home, secret]) chownSync(path, account.uid, account.gid)
const cluster = join(home, 'cluster')
const options = ['--username=postgres', `--pwfile=${secret}`, '--no-instructions', '--no-sync', ...initdbArguments]
await runAs.run(account, join(bin, 'initdb'), ['-D', cluster, ...options])

const [port] = await freePorts(1)
const settings = {
  ...serversSettings().postgres,
  ...CARELESS,
  listen_addresses: '127.0.0.1',
  port: String(port),
  unix_socket_directories: '',
}
const server = spawn(
  join(bin, 'postgres'),
  ['-D', cluster, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
  {
    cwd: home,
    env: { LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(account && { uid: account.uid, gid: account.gid }),
  },
)
let said = ''
server.stderr.on('data', (chunk) => {
  if (said.includes('ready to accept connections')) return
  said += chunk
  if (said.includes('ready to accept connections')) process.stdout.write(`${port}\n`)
})
server.on('exit', (code) => {
  rmSync(folder, { recursive: true, force: true })
  if (code !== 0) process.stderr.write(said)
  process.exit(code ?? 1)
})

process.stdin.resume()
// At SIGTERM it would wait for its clients to leave (https://www.postgresql.org/docs/18/server-shutdown.html).
process.stdin.on('close', () => server.kill('SIGQUIT'))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => server.kill('SIGQUIT'))
