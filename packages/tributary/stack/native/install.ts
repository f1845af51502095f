import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, readdirSync, statSync } from 'node:fs'
import { chmod, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { isAlive } from '#runtime/is-alive'
import { systemPath } from '../launch.ts'
import { openForAll, writable } from '../paths.ts'
import type { Say } from '../say.ts'
import { type Component, type ComponentName, checksums, components } from './components.ts'
import type { Jdk } from './jdk.ts'
import { type Maven, mavenFor } from './maven.ts'

/** Which of these components are not in the cache yet. */
export function missingComponents(cache: string, names: Iterable<ComponentName>): ComponentName[] {
  return [...new Set(names)].filter((name) => !existsSync(join(cache, components[name].folder)))
}

/**
 * Downloads, verifies and unpacks what is missing. A component's folder appears in the cache by one rename, so a kill
 * at any moment leaves either all of it or nothing; two calls at once don't disturb each other.
 */
export async function install(cache: string, names: readonly ComponentName[], jdk: Jdk, say: Say): Promise<void> {
  if (!writable(cache)) {
    throw new Error(
      `the cache ${cache} lacks ${names.join(', ')} and isn't writable: set TRIBUTARY_CACHE to a folder that is`,
    )
  }
  await mkdir(cache, { recursive: true })
  await removeAbandoned(cache)
  const work = join(cache, `.partial-${process.pid}`)
  try {
    const downloads = join(work, 'maven')
    await mkdir(downloads, { recursive: true })
    const maven = await mavenFor(jdk, downloads)
    for (const name of names) {
      const component: Component = components[name]
      const progress = say.progress(`downloading ${component.says}`, component.megabytes, () => megabytesIn(downloads))
      const fetched = join(work, name)
      try {
        await download(maven, component, fetched)
      } finally {
        progress.end()
      }
      await verifyChecksums(name, fetched)
      const ready =
        component.source.kind === 'archive'
          ? await unpack(join(fetched, component.source.file), component.source.strip, jdk)
          : fetched
      // Whoever's the umask is: the servers may run as another user.
      openForAll(ready)
      await rename(ready, join(cache, component.folder)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
      })
    }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

function download(maven: Maven, component: Component, into: string): Promise<void> {
  return component.source.kind === 'class-path'
    ? maven.copyClassPath(into)
    : maven.copyArtifact(component.source.artifact, into)
}

/** Throws when a file differs from its pinned sum, has none, or is missing. */
export async function verifyChecksums(name: string, folder: string, pinned = checksums): Promise<void> {
  const expected = new Map(
    Object.entries(pinned).flatMap(([file, sum]) =>
      file.startsWith(`${name}/`) ? [[file.slice(name.length + 1), sum] as const] : [],
    ),
  )
  for (const file of await readdir(folder)) {
    const sum = await sha256(join(folder, file))
    const wanted = expected.get(file)
    if (sum !== wanted) {
      throw new Error(
        wanted === undefined
          ? `the download ${file} is not one of the files stack/native/checksums.json knows`
          : `the download ${file} has the SHA-256 ${sum}, pinned is ${wanted}: it was cut off or altered; run \`make up\` again, and don't use it if this stays`,
      )
    }
    expected.delete(file)
  }
  if (expected.size > 0) throw new Error(`the download of ${name} lacks ${[...expected.keys()].join(', ')}`)
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file)) hash.update(chunk)
  return hash.digest('hex')
}

/** Unpacks beside the archive. Returns the folder that holds the content after `strip` leading folders. */
async function unpack(archive: string, strip: number, jdk: Jdk): Promise<string> {
  const into = `${archive}.unpacked`
  await mkdir(into)
  if (archive.endsWith('.zip')) {
    // A JDK can always read a zip; `unzip` is often not installed. It drops the execute bits.
    await run(join(jdk.home, 'bin', 'jar'), ['xf', archive], into)
  } else {
    await run('tar', ['-xzf', archive], into)
  }
  let content = into
  for (let level = 0; level < strip; level++) {
    const [only, ...others] = await readdir(content)
    if (!only || others.length > 0)
      throw new Error(`${basename(archive)} has not the one leading folder it should have`)
    content = join(content, only)
  }
  const programs = join(content, 'bin')
  if (existsSync(programs)) for (const file of await readdir(programs)) await chmod(join(programs, file), 0o755)
  await chmod(content, 0o755)
  return content
}

export function run(program: string, args: readonly string[], cwd: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // Not the caller's environment: JAVA_TOOL_OPTIONS and TAR_OPTIONS are meant for other work.
    const env = { PATH: systemPath, LC_ALL: 'C.UTF-8' }
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    child.stderr.on('data', (chunk) => {
      said += chunk
    })
    child.on('error', (error) => reject(new Error(`${program} can't be run (${error.message}): is it a whole JDK?`)))
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${program} ${args.join(' ')} failed: ${said.trim()}`)),
    )
  })
}

/** Partial downloads of processes that are gone. */
export async function removeAbandoned(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    const pid = Number(/^\.partial-(\d+)$/.exec(name)?.[1])
    if (pid && !isAlive(pid)) await rm(join(cache, name), { recursive: true, force: true })
  }
}

export function megabytesIn(folder: string): number {
  let bytes = 0
  try {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) bytes += statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0
    }
  } catch {
    // The folder changes while it is read; the next look will do.
  }
  return bytes / 1e6
}
