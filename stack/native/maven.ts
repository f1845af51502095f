import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { versions } from '../versions.ts'
import type { Jdk } from './jdk.ts'

/** Fetches from Maven Central, or from the mirror in the user's Maven settings. */
export interface Maven {
  /** The jars of stack/native/kafka-class-path.xml. */
  copyClassPath(into: string): Promise<void>
  /** One artifact, `group:artifact:version:extension[:classifier]`. */
  copyArtifact(artifact: string, into: string): Promise<void>
}

const pom = fileURLToPath(new URL('./kafka-class-path.xml', import.meta.url))
const plugin = `org.apache.maven.plugins:maven-dependency-plugin:${versions.mavenDependencyPlugin}`

/**
 * The Maven on PATH, else one fetched into `downloads`, as the Maven wrapper would.
 * @param downloads folder that serves as Maven's local repository
 */
export async function mavenFor(jdk: Jdk, downloads: string): Promise<Maven> {
  const env = { ...process.env, JAVA_HOME: jdk.home }
  const onPath = spawnSync('mvn', ['-v'], { stdio: 'ignore', env }).status === 0
  const mvn = onPath ? 'mvn' : await fetchMaven(downloads)
  const call = (args: readonly string[]) =>
    new Promise<void>((resolve, reject) => {
      const child = spawn(mvn, ['-B', '-q', '-ntp', `-Dmaven.repo.local=${downloads}`, ...args], {
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let said = ''
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (chunk) => {
          said = (said + chunk).slice(-4000)
        })
      child.on('error', reject)
      child.on('close', (code) =>
        code === 0
          ? resolve()
          : reject(
              new Error(
                `Maven could not fetch it: is Maven Central (or the mirror in ~/.m2/settings.xml) reachable?\n${said.trim()}`,
              ),
            ),
      )
    })
  return {
    copyClassPath: (into) =>
      call([
        '-f',
        pom,
        `-Dkafka.version=${versions.kafka}`,
        `-Dlog4j.version=${versions.log4j}`,
        `${plugin}:copy-dependencies`,
        `-DoutputDirectory=${into}`,
        '-DincludeScope=runtime',
      ]),
    copyArtifact: (artifact, into) => call([`${plugin}:copy`, `-Dartifact=${artifact}`, `-DoutputDirectory=${into}`]),
  }
}

/** SHA-512 as the Maven project publishes it beside the archive. */
const MAVEN_SHA512 =
  'bcfe4fe305c962ace56ac7b5fc7a08b87d5abd8b7e89027ab251069faebee516b0ded8961445d6d91ec1985dfe30f8153268843c89aa392733d1a3ec956c9978'

async function fetchMaven(downloads: string): Promise<string> {
  const remedy = 'install Maven (Debian: apt-get install maven; macOS: brew install maven)'
  const name = `apache-maven-${versions.maven}`
  const base = process.env.MVNW_REPOURL
  if (!base) throw new Error(`there is no mvn on the PATH: ${remedy}, or say in MVNW_REPOURL where Maven Central is`)
  const url = `${base}/org/apache/maven/apache-maven/${versions.maven}/${name}-bin.tar.gz`
  const answer = await fetch(url).catch((error) => {
    throw new Error(`there is no mvn on the PATH, and ${url} can't be reached (${error.cause ?? error}): ${remedy}`)
  })
  if (!answer.ok) throw new Error(`there is no mvn on the PATH, and ${url} answers ${answer.status}: ${remedy}`)
  const archive = Buffer.from(await answer.arrayBuffer())
  const sum = createHash('sha512').update(archive).digest('hex')
  if (sum !== MAVEN_SHA512) throw new Error(`${url} has the SHA-512 ${sum}, pinned is ${MAVEN_SHA512}: ${remedy}`)
  await mkdir(downloads, { recursive: true })
  const file = join(downloads, `${name}.tar.gz`)
  await writeFile(file, archive)
  const unpacked = spawnSync('tar', ['-xzf', file], { cwd: downloads })
  if (unpacked.status !== 0) throw new Error(`${file} can't be unpacked: ${unpacked.stderr}`)
  const mvn = join(downloads, name, 'bin', 'mvn')
  await chmod(mvn, 0o755)
  return mvn
}
