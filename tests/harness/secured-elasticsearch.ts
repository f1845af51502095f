import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts, type Stack, shape } from 'tributary/testing/stack'
import { readStackSettings } from '../../packages/tributary/stack/environment.ts'
import { components } from '../../packages/tributary/stack/native/components.ts'
import { chooseJdk, javaVersion, jdkCandidates } from '../../packages/tributary/stack/native/jdk.ts'
import { temurinHome } from '../../packages/tributary/stack/native/temurin.ts'
import { placesOf } from '../../packages/tributary/stack/places.ts'
import { elasticsearchSettings } from '../../packages/tributary/stack/settings.ts'
import { type Certificates, pem } from './certificates.ts'

/** An Elasticsearch that speaks TLS and lets in only who has a login or a key. Its superuser is `elastic`. */
export interface SecuredElasticsearch {
  readonly url: string
  stop(): Promise<void>
}

/** Starts one of the same version as a stack's, with a small heap. It may not answer yet. */
export async function startSecuredElasticsearch(
  stack: Stack,
  { certificate, key }: Certificates,
  password: string,
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
  cpSync(join(program, 'config', 'jvm.options'), join(config, 'jvm.options'))
  const jvm = ['-Xms512m', '-Xmx512m', '-XX:-UsePerfData', '-XX:-HeapDumpOnOutOfMemoryError', '']
  writeFileSync(join(config, 'jvm.options.d', 'heap.options'), jvm.join('\n'))
  writeFileSync(join(config, 'log4j2.properties'), 'status=error\nrootLogger.level=off\n')
  writeFileSync(join(config, 'server.pem'), pem(certificate))
  writeFileSync(join(config, 'server.key'), pem(key))
  const settings: Record<string, string> = {
    ...elasticsearchSettings,
    'cluster.name': 'secured',
    'node.name': 'secured',
    'path.logs': join(folder, 'log'),
    'path.data': join(folder, 'data'),
    'network.host': '127.0.0.1',
    'http.port': String(port),
    'transport.port': String(transport),
    'xpack.ml.enabled': 'false',
    'xpack.security.enabled': 'true',
    'xpack.security.autoconfiguration.enabled': 'false',
    'xpack.security.http.ssl.enabled': 'true',
    'xpack.security.http.ssl.certificate': 'server.pem',
    'xpack.security.http.ssl.key': 'server.key',
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`)
  writeFileSync(join(config, 'elasticsearch.yml'), lines.join(''))
  chmodSync(folder, 0o755)
  if (account) {
    for (const path of ['.', ...(readdirSync(folder, { recursive: true }) as string[])])
      chownSync(join(folder, path), account.uid, account.gid)
  }
  const options = {
    cwd: folder,
    env: {
      PATH: process.env.PATH ?? '',
      ES_JAVA_HOME: jdk.home,
      ES_PATH_CONF: config,
      ES_TMPDIR: join(folder, 'tmp'),
      HOME: folder,
    },
    ...(account && { uid: account.uid, gid: account.gid }),
  }
  const keystore = (args: readonly string[], input = '') =>
    execFileSync(join(program, 'bin', 'elasticsearch-keystore'), args, { ...options, input, stdio: 'pipe' })
  keystore(['create'])
  keystore(['add', '--stdin', 'bootstrap.password'], password)
  const server = spawn(join(program, 'bin', 'elasticsearch'), [], { ...options, stdio: 'ignore', detached: true })
  const ended = new Promise((resolve) => server.once('exit', resolve))
  return {
    url: `https://127.0.0.1:${port}`,
    async stop() {
      // The launcher and the server it starts.
      process.kill(-server.pid!, 'SIGKILL')
      await ended
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
