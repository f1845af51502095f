import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { OLDEST_JDK } from '../versions.ts'

export interface Jdk {
  /** What JAVA_HOME would be. */
  readonly home: string
  readonly version: number
}

/**
 * Picks the first Java that is new enough, in the order given.
 * @param homes candidate folders, in order of preference
 * @param versionOf the feature version of the Java in a folder, undefined where there is none
 * @throws Error naming what was found and how to install one
 */
export function chooseJdk(homes: readonly string[], versionOf: (home: string) => number | undefined): Jdk {
  const seen: string[] = []
  for (const home of new Set(homes)) {
    const version = versionOf(home)
    if (version === undefined) continue
    if (version >= OLDEST_JDK) return { home, version }
    seen.push(`  ${home}: Java ${version}`)
  }
  const found = seen.length === 0 ? 'none was found' : `only older ones were found:\n${seen.join('\n')}`
  throw new Error(
    `the servers need a JDK ${OLDEST_JDK} or newer, and ${found}\n` +
      'Install one (Debian: apt-get install openjdk-21-jdk-headless, or a Temurin package; macOS: brew install openjdk@21) or set JAVA_HOME to one.',
  )
}

/** Where Java may live here: JAVA_HOME, the system's JVM folders, SDKMAN, Homebrew, then PATH. */
export function jdkCandidates(javaHome: string | undefined, path = process.env.PATH ?? ''): string[] {
  const children = (folder: string, inside = '') => {
    try {
      return readdirSync(folder)
        .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
        .map((name) => join(folder, name, inside))
    } catch {
      return []
    }
  }
  const onPath = path.split(delimiter).flatMap((folder) => {
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
    ...children(join(homedir(), '.sdkman/candidates/java')),
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
  const asked = spawnSync(java, ['-XshowSettings:properties', '-version'], { encoding: 'utf8' })
  return parseJavaVersion(asked.stderr ?? '')
}

/** Reads the feature version out of a `release` file (`JAVA_VERSION="1.8.0_402"`) or of what `java` prints. */
export function parseJavaVersion(text: string): number | undefined {
  const found = /(?:JAVA_VERSION="|java\.specification\.version = )(?:1\.)?(\d+)/.exec(text)
  return found ? Number(found[1]) : undefined
}
