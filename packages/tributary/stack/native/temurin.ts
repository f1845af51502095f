import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openForAll, writable } from '../paths.ts'
import type { Say } from '../say.ts'
import { versions } from '../versions.ts'
import { download } from './download.ts'
import { megabytesIn, removeAbandoned, run } from './install.ts'
import { type Jdk, javaVersion } from './jdk.ts'

/** A JDK as its publisher offers it. */
export interface JdkRelease {
  readonly version: string
  /** By `platform-architecture`, as Node names them. */
  readonly archives: Readonly<Record<string, { readonly file: string; readonly sha256: string }>>
}

const file = (of: string) => `OpenJDK25U-jdk_${of}_hotspot_${versions.temurin.replace('+', '_')}.tar.gz`

/** The sums stand beside the archives: https://github.com/adoptium/temurin25-binaries/releases */
const temurin: JdkRelease = {
  version: versions.temurin,
  archives: {
    'linux-x64': {
      file: file('x64_linux'),
      sha256: 'dbb698396d478e7fa2b1e50f4103324b2a99b90569ee27c33f2261f9215cf41e',
    },
    'linux-arm64': {
      file: file('aarch64_linux'),
      sha256: '69df11a02cfa3ef7d7ca645e03edce6778ec090e100f6ae2b42097865730ac52',
    },
    'darwin-x64': {
      file: file('x64_mac'),
      sha256: 'e6229d9504f7922053ab31821b9e6bee8761daf7b026a3476d1a027563009880',
    },
    'darwin-arm64': {
      file: file('aarch64_mac'),
      sha256: '61979887f7506a24a57439ff99adb8b3a7fc89977d9cfe3b8984f58a981b7b9d',
    },
  },
}

/** Where the publisher keeps its releases; JDK_MIRROR names a place of the same layout. */
const PUBLISHER = 'https://github.com/adoptium/temurin25-binaries/releases/download'

/** Where the JDK that `fetchJdk` brings lies, whether or not it is there; undefined where there is none to bring. */
export function temurinHome(cache: string, release: JdkRelease = temurin): string | undefined {
  const archive = archiveFor(release)
  if (!archive) return undefined
  const folder = join(cache, `temurin-${release.version}-${archive.sha256.slice(0, 8)}`)
  return process.platform === 'darwin' ? join(folder, 'Contents', 'Home') : folder
}

/**
 * Brings the pinned Temurin JDK into the cache. It appears there by one rename, so that one that is half made is never
 * taken for whole.
 * @param mirror address in the publisher's stead, of the same layout: `<mirror>/jdk-<version>/<file>`
 * @throws Error saying why it couldn't be had
 */
export async function fetchJdk(
  cache: string,
  mirror: string | undefined,
  say: Say,
  release: JdkRelease = temurin,
): Promise<Jdk> {
  const home = temurinHome(cache, release)
  const archive = archiveFor(release)
  if (!home || !archive) throw new Error(`Temurin has no JDK for ${process.platform} ${process.arch} of this kind`)
  if (!writable(cache)) throw new Error(`the cache ${cache} isn't writable: set TRIBUTARY_CACHE to a folder that is`)
  await mkdir(cache, { recursive: true })
  await removeAbandoned(cache)
  const work = join(cache, `.partial-${process.pid}`)
  try {
    await mkdir(work, { recursive: true })
    const from = `${(mirror ?? PUBLISHER).replace(/\/+$/, '')}/jdk-${encodeURIComponent(release.version)}/${archive.file}`
    const packed = join(work, archive.file)
    const progress = say.progress(`downloading the Temurin JDK ${release.version}`, 140, () => megabytesIn(work))
    try {
      await download(from, packed, { algorithm: 'sha256', hex: archive.sha256 })
    } finally {
      progress.end()
    }
    const unpacked = join(work, 'unpacked')
    await mkdir(unpacked)
    await run('tar', ['-xzf', packed], unpacked)
    const [only, ...others] = await readdir(unpacked)
    if (!only || others.length > 0) throw new Error(`${archive.file} has not the one leading folder it should have`)
    openForAll(join(unpacked, only))
    const folder = process.platform === 'darwin' ? join(home, '..', '..') : home
    await rename(join(unpacked, only), folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    })
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  const version = javaVersion(home)
  if (version === undefined) throw new Error(`${home} is not the JDK it should be: delete it`)
  return { home, version }
}

/** Its Linux builds need glibc: Alpine and the like have another C library. */
function archiveFor(release: JdkRelease): JdkRelease['archives'][string] | undefined {
  const glibc =
    process.platform !== 'linux' ||
    existsSync('/lib64/ld-linux-x86-64.so.2') ||
    existsSync('/lib/ld-linux-aarch64.so.1')
  return glibc ? release.archives[`${process.platform}-${process.arch}`] : undefined
}
