import { spawn, spawnSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { versions } from '../versions.ts'
import { download } from './download.ts'
import type { Jdk } from './jdk.ts'
import { type Proxies, proxiesOf } from './proxies.ts'

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
    throughProxies(process.env, (proxies) =>
      run(['-B', '-q', '-ntp', `-Dmaven.repo.local=${downloads}`, ...proxies, ...args]),
    )
  const run = (args: readonly string[]) =>
    new Promise<void>((resolve, reject) => {
      const child = spawn(mvn, args, {
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
 * Tells Maven of the environment's proxy, which neither it nor Java reads there; what its user's settings say comes first.
 * A proxy that asks for a password is told in a settings file of our own: every user of a computer sees command lines, and
 * Maven takes no password from Java's properties. The file stands in for the settings of Maven's installation.
 */
async function throughProxies(
  env: NodeJS.ProcessEnv,
  work: (options: readonly string[]) => Promise<void>,
): Promise<void> {
  const proxies = proxiesOf(env)
  if (!proxies.http?.user && !proxies.https?.user) return work(proxyOptions(proxies))
  if (await namesProxy(join(homedir(), '.m2', 'settings.xml'))) return work([])
  const folder = await mkdtemp(join(tmpdir(), 'tributary-maven-'))
  try {
    const file = join(folder, 'settings.xml')
    await writeFile(file, proxySettings(proxies), { mode: 0o600 })
    await work(['-gs', file])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Proxies without a password, in Java's words. */
function proxyOptions({ http, https, direct }: Proxies): string[] {
  const options = Object.entries({ http, https }).flatMap(([scheme, proxy]) =>
    proxy ? [`-D${scheme}.proxyHost=${proxy.host}`, `-D${scheme}.proxyPort=${proxy.port}`] : [],
  )
  if (options.length === 0) return []
  return [
    ...options,
    `-Dhttp.nonProxyHosts=${nonProxyHosts(direct)}`,
    '-Daether.connector.http.useSystemProperties=true',
  ]
}

/** All of them as Maven's settings (https://maven.apache.org/settings.html#proxies). */
function proxySettings({ http, https, direct }: Proxies): string {
  const element = (name: string, text: string) =>
    `<${name}>${text.replace(/[<>&]/g, (sign) => `&#${sign.charCodeAt(0)};`)}</${name}>`
  const each = Object.entries({ http, https }).flatMap(([protocol, proxy]) => {
    if (!proxy) return []
    const { host, port, user, password } = proxy
    const named = { id: protocol, protocol, host, port, nonProxyHosts: nonProxyHosts(direct) }
    const parts = Object.entries({ ...named, ...(user && { username: user, password }) })
    return `<proxy>${parts.map(([name, text]) => element(name, text)).join('')}</proxy>`
  })
  return `<settings><proxies>${each.join('')}</proxies></settings>\n`
}

const nonProxyHosts = (direct: readonly string[]) =>
  ['localhost', '127.*', '[::1]', ...direct.map((word) => word.replace(/^\./, '*.'))].join('|')

async function namesProxy(settings: string): Promise<boolean> {
  const text = await readFile(settings, 'utf8').catch(() => '')
  return text.replace(/<!--.*?-->/gs, '').includes('<proxy>')
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
