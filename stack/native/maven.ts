import { spawn, spawnSync } from 'node:child_process'
import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { versions } from '../versions.ts'
import { download } from './download.ts'
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
  // Maven reads its mirrors from the user's files; options of other Java programs are none of its business.
  const { JAVA_TOOL_OPTIONS, _JAVA_OPTIONS, JDK_JAVA_OPTIONS, CLASSPATH, ...caller } = process.env
  const env = { ...caller, JAVA_HOME: jdk.home, LC_ALL: 'C.UTF-8' }
  const onPath = spawnSync('mvn', ['-v'], { stdio: 'ignore', env }).status === 0
  const mvn = onPath ? 'mvn' : await fetchMaven(downloads)
  const call = (args: readonly string[]) =>
    new Promise<void>((resolve, reject) => {
      const options = ['-B', '-q', '-ntp', `-Dmaven.repo.local=${downloads}`, ...proxyOptions(process.env)]
      const child = spawn(mvn, [...options, ...args], {
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

/**
 * The proxy of the environment in Java's words; Java itself reads no such variable. Maven's own settings, where they name
 * a proxy, come first.
 */
export function proxyOptions(env: NodeJS.ProcessEnv): string[] {
  const all = env.all_proxy || env.ALL_PROXY
  const http = env.http_proxy || env.HTTP_PROXY || all
  const https = env.https_proxy || env.HTTPS_PROXY || http
  const options = Object.entries({ http, https }).flatMap(([scheme, address]) => {
    if (!address) return []
    const url = URL.parse(address.includes('://') ? address : `http://${address}`)
    if (!url?.hostname) throw new Error(`${scheme.toUpperCase()}_PROXY is not an address: ${address}`)
    const user = url.username ? [`-D${scheme}.proxyUser=${decodeURIComponent(url.username)}`] : []
    const password = url.password ? [`-D${scheme}.proxyPassword=${decodeURIComponent(url.password)}`] : []
    return [`-D${scheme}.proxyHost=${url.hostname}`, `-D${scheme}.proxyPort=${url.port || '80'}`, ...user, ...password]
  })
  if (options.length === 0) return []
  const direct = (env.no_proxy || env.NO_PROXY || '').split(/[\s,]+/).filter((word) => word !== '')
  const names = ['localhost', '127.*', '[::1]', ...direct.map((word) => word.replace(/^\./, '*.'))]
  return [...options, `-Dhttp.nonProxyHosts=${names.join('|')}`, '-Daether.connector.http.useSystemProperties=true']
}

const MAVEN_CENTRAL = 'https://repo.maven.apache.org/maven2'

/** SHA-512 as the Maven project publishes it beside the archive. */
const MAVEN_SHA512 =
  'bcfe4fe305c962ace56ac7b5fc7a08b87d5abd8b7e89027ab251069faebee516b0ded8961445d6d91ec1985dfe30f8153268843c89aa392733d1a3ec956c9978'

async function fetchMaven(downloads: string): Promise<string> {
  const remedy =
    'install Maven (Debian: apt-get install maven; macOS: brew install maven), or say in MVNW_REPOURL where Maven Central is mirrored'
  const name = `apache-maven-${versions.maven}`
  const base = (process.env.MVNW_REPOURL || MAVEN_CENTRAL).replace(/\/+$/, '')
  const url = `${base}/org/apache/maven/apache-maven/${versions.maven}/${name}-bin.tar.gz`
  await mkdir(downloads, { recursive: true })
  const file = join(downloads, `${name}.tar.gz`)
  await download(url, file, { algorithm: 'sha512', hex: MAVEN_SHA512 }).catch((error: Error) => {
    throw new Error(`there is no mvn on the PATH, and ${error.message}: ${remedy}`)
  })
  const unpacked = spawnSync('tar', ['-xzf', file], { cwd: downloads })
  if (unpacked.status !== 0) throw new Error(`${file} can't be unpacked: ${unpacked.stderr}`)
  const mvn = join(downloads, name, 'bin', 'mvn')
  await chmod(mvn, 0o755)
  return mvn
}
