import { spawn } from 'node:child_process'
import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts, type Stack, shape } from 'tributary/testing/stack'
import { readStackSettings } from '../../packages/tributary/stack/environment.ts'
import { components } from '../../packages/tributary/stack/native/components.ts'
import { chooseJdk, javaVersion, jdkCandidates } from '../../packages/tributary/stack/native/jdk.ts'
import { temurinHome } from '../../packages/tributary/stack/native/temurin.ts'
import { placesOf } from '../../packages/tributary/stack/places.ts'
import { serversSettings } from '../../packages/tributary/stack/settings.ts'
import { type Certificates, pem } from './certificates.ts'

/** Who is let in: `superuser` is a role that every server has. */
export interface User {
  readonly name: string
  readonly password: string
  readonly role: string
}

/** An Elasticsearch that speaks TLS and lets in only who has a login. */
export interface SecuredElasticsearch {
  readonly url: string
  stop(): Promise<void>
}

/**
 * Starts one of the same version as a stack's, with a small heap. It may not answer yet.
 *
 * Its users and roles stand in files (the file realm). An API key would be kept in an index, for which the distribution that
 * the native stack unpacks lacks an analyzer; what a role may do is the same for both.
 * @param roles by name, as `role_descriptors` of Elasticsearch's API has them
 */
export async function startSecuredElasticsearch(
  stack: Stack,
  { certificate, key }: Certificates,
  users: readonly User[],
  roles: Readonly<Record<string, unknown>> = {},
): Promise<SecuredElasticsearch> {
  const { cache, account } = placesOf(readStackSettings(shape, stack.env))
  const brought = temurinHome(cache)
  const jdk = chooseJdk([...jdkCandidates(process.env.JAVA_HOME), ...(brought ? [brought] : [])], javaVersion)
  if (!jdk) throw new Error('no JDK was found for the Elasticsearch of this test')
  const program = join(cache, components.elasticsearch.folder)
  const folder = mkdtempSync(join(tmpdir(), 'tributary-elasticsearch-'))
  const [port, transport] = await freePorts(2)
  const config = join(folder, 'config')
  for (const name of ['config', 'config/jvm.options.d', 'tmp', 'data', 'log']) mkdirSync(join(folder, name))
  const write = (name: string, ...lines: readonly string[]) =>
    writeFileSync(join(config, name), lines.map((line) => `${line}\n`).join(''))
  cpSync(join(program, 'config', 'jvm.options'), join(config, 'jvm.options'))
  write('jvm.options.d/heap.options', '-Xms384m', '-Xmx384m', '-XX:-UsePerfData', '-XX:-HeapDumpOnOutOfMemoryError')
  write('log4j2.properties', 'status=error', 'rootLogger.level=off')
  write('server.pem', pem(certificate))
  write('server.key', pem(key))
  const settings: Record<string, string> = {
    ...serversSettings().elasticsearch,
    'cluster.name': 'secured',
    'node.name': 'secured',
    'path.logs': join(folder, 'log'),
    'path.data': join(folder, 'data'),
    'network.host': '127.0.0.1',
    'http.port': String(port),
    'transport.port': String(transport),
    'xpack.security.enabled': 'true',
    'xpack.security.autoconfiguration.enabled': 'false',
    'xpack.security.http.ssl.enabled': 'true',
    'xpack.security.http.ssl.certificate': 'server.pem',
    'xpack.security.http.ssl.key': 'server.key',
  }
  write('elasticsearch.yml', ...Object.entries(settings).map(([name, value]) => `${name}: ${JSON.stringify(value)}`))
  write('users', ...users.map(({ name, password }) => `${name}:${passwordHash(password)}`))
  write('users_roles', ...users.map(({ name, role }) => `${role}:${name}`))
  // JSON is YAML.
  write('roles.yml', ...Object.entries(roles).map(([name, role]) => `${name}: ${JSON.stringify(role)}`))
  chmodSync(folder, 0o755)
  if (account) {
    for (const path of ['.', ...(readdirSync(folder, { recursive: true }) as string[])])
      chownSync(join(folder, path), account.uid, account.gid)
  }
  const server = spawn(join(program, 'bin', 'elasticsearch'), [], {
    cwd: folder,
    env: {
      PATH: process.env.PATH ?? '',
      ES_JAVA_HOME: jdk.home,
      ES_PATH_CONF: config,
      ES_TMPDIR: join(folder, 'tmp'),
      HOME: folder,
    },
    stdio: 'ignore',
    detached: true,
    ...(account && { uid: account.uid, gid: account.gid }),
  })
  const ended = new Promise((resolve) => server.once('exit', resolve))
  return {
    url: `https://127.0.0.1:${port}`,
    async stop() {
      // The launcher and the server it starts.
      if (server.exitCode === null) process.kill(-server.pid!, 'SIGKILL')
      await ended
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** As the file `users` has it: `{PBKDF2}<rounds>$<salt>$<key>`, of SHA-512. */
function passwordHash(password: string): string {
  const salt = randomBytes(32)
  const key = pbkdf2Sync(password, salt, 10_000, 32, 'sha512')
  return `{PBKDF2}10000$${salt.toString('base64')}$${key.toString('base64')}`
}
