import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { OLDEST_JDK } from '../versions.ts'

export interface Jdk {
  /** What JAVA_HOME would be. */
  readonly home: string
  readonly version: number
}

/**
 * Picks the first Java that is new enough, in the order given; undefined when none is.
 * @param homes candidate folders, in order of preference
 * @param versionOf the feature version of the Java in a folder, undefined where there is none
 */
export function chooseJdk(homes: readonly string[], versionOf: (home: string) => number | undefined): Jdk | undefined {
  for (const home of new Set(homes)) {
    const version = versionOf(home)
    if (version !== undefined && version >= OLDEST_JDK) return { home, version }
  }
  return undefined
}

/** What was found instead of a Java that is new enough, why none could be brought, and how to get one. */
export function noJdkMessage(
  homes: readonly string[],
  versionOf: (home: string) => number | undefined,
  notBrought: string,
): string {
  const seen = [...new Set(homes)].flatMap((home) => {
    const version = versionOf(home)
    return version === undefined ? [] : [`  ${home}: Java ${version}`]
  })
  const found = seen.length === 0 ? 'none was found' : `only these were found:\n${seen.join('\n')}`
  return (
    `the servers need a JDK ${OLDEST_JDK} or newer, and ${found}\n` +
    `One can't be brought: ${notBrought}.\n` +
    'Install one (Debian: apt-get install openjdk-21-jdk-headless, or a Temurin package; macOS: brew install openjdk@21), ' +
    'set JAVA_HOME to one, or name a mirror of the publisher in JDK_MIRROR (see .env.example).'
  )
}

/** Where Java may live here: JAVA_HOME, the system's JVM folders, SDKMAN, Homebrew, then PATH. */
export function jdkCandidates(javaHome: string | undefined, env: NodeJS.ProcessEnv = process.env): string[] {
  const children = (folder: string, inside = '') => {
    try {
      return readdirSync(folder)
        .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
        .map((name) => join(folder, name, inside))
    } catch {
      return []
    }
  }
  const onPath = (env.PATH ?? '').split(delimiter).flatMap((folder) => {
    try {
      return [dirname(dirname(realpathSync(join(folder, 'java'))))]
    } catch {
      return []
    }
  })
  return [
    ...(javaHome ? [javaHome] : []),
    ...children('/usr/lib/jvm'),
    ...children('/usr/java'),
    ...children('/opt/java'),
    ...children('/Library/Java/JavaVirtualMachines', 'Contents/Home'),
    ...children('/opt/homebrew/opt', 'libexec/openjdk.jdk/Contents/Home').filter((home) => home.includes('openjdk')),
    ...(env.HOME ? children(join(env.HOME, '.sdkman/candidates/java')) : []),
    ...onPath,
  ]
}

/** The feature version of the Java in a folder (`17`, `21`, …): from its `release` file, else asked from it. */
export function javaVersion(home: string): number | undefined {
  const java = join(home, 'bin', 'java')
  try {
    accessSync(java, constants.X_OK)
  } catch {
    return undefined
  }
  const release = join(home, 'release')
  if (existsSync(release)) {
    const version = parseJavaVersion(readFileSync(release, 'utf8'))
    if (version !== undefined) return version
  }
  const asked = spawnSync(java, ['-XshowSettings:properties', '-version'], { encoding: 'utf8', env: { LC_ALL: 'C' } })
  return parseJavaVersion(asked.stderr ?? '')
}

/** Reads the feature version out of a `release` file (`JAVA_VERSION="1.8.0_402"`) or of what `java` prints. */
export function parseJavaVersion(text: string): number | undefined {
  const found = /(?:JAVA_VERSION="|java\.specification\.version = )(?:1\.)?(\d+)/.exec(text)
  return found ? Number(found[1]) : undefined
}
