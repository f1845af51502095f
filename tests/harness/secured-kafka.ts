import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts, type Stack, shape } from 'tributary/testing/stack'
import { readStackSettings } from '../../packages/tributary/stack/environment.ts'
import { components } from '../../packages/tributary/stack/native/components.ts'
import { chooseJdk, javaVersion, jdkCandidates } from '../../packages/tributary/stack/native/jdk.ts'
import { temurinHome } from '../../packages/tributary/stack/native/temurin.ts'
import { serversSettings } from '../../packages/tributary/stack/settings.ts'
import type { Certificates } from './certificates.ts'
import { pem } from './certificates.ts'

/** A broker that lets in only who speaks TLS and has a login. */
export interface SecuredBroker {
  /** `host:port`. */
  readonly address: string
  stop(): Promise<void>
}

/** Starts a broker of the same Kafka as a stack's, with one login for PLAIN and SCRAM. It may not answer yet. */
export async function startSecuredBroker(
  stack: Stack,
  { certificate, key }: Certificates,
  login: { readonly username: string; readonly password: string },
): Promise<SecuredBroker> {
  const { cache } = readStackSettings(shape, stack.env)
  const brought = temurinHome(cache)
  const jdk = chooseJdk([...jdkCandidates(process.env.JAVA_HOME), ...(brought ? [brought] : [])], javaVersion)
  if (!jdk) throw new Error('no JDK was found for the broker of this test')
  const folder = mkdtempSync(join(tmpdir(), 'tributary-broker-'))
  const [port, inside, controller] = await freePorts(3)
  const jaas = (module: string, rest = '') => `org.apache.kafka.common.security.${module}LoginModule required${rest};`
  const { username, password } = login
  writeFileSync(join(folder, 'server.pem'), pem(key) + pem(certificate), { mode: 0o600 })
  const settings: Record<string, string> = {
    ...serversSettings().kafka,
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'INSIDE',
    listeners: `OUTSIDE://127.0.0.1:${port},INSIDE://127.0.0.1:${inside},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `OUTSIDE://127.0.0.1:${port},INSIDE://127.0.0.1:${inside}`,
    'listener.security.protocol.map': 'OUTSIDE:SASL_SSL,INSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': join(folder, 'log'),
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    'listener.name.outside.plain.sasl.jaas.config': jaas('plain.Plain', ` user_${username}="${password}"`),
    'listener.name.outside.scram-sha-256.sasl.jaas.config': jaas('scram.Scram'),
    'listener.name.outside.scram-sha-512.sasl.jaas.config': jaas('scram.Scram'),
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': join(folder, 'server.pem'),
  }
  const config = join(folder, 'server.properties')
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`)
  writeFileSync(config, lines.join(''), { mode: 0o600 })
  const java = join(jdk.home, 'bin', 'java')
  const args = ['-XX:+UseSerialGC', '-Xmx384m', '-cp', join(cache, components.kafka.folder, '*')]
  const scram = ['256', '512'].flatMap((size) => [
    '--add-scram',
    `SCRAM-SHA-${size}=[name=${username},password=${password}]`,
  ])
  const format = ['kafka.tools.StorageTool', 'format', '-t', 'dHJpYnV0YXJ5LXR3by0wMA', '-c', config, ...scram]
  execFileSync(java, [...args, ...format], { stdio: 'pipe' })
  const broker = spawn(java, [...args, 'kafka.Kafka', config], { cwd: folder, stdio: 'ignore' })
  const ended = new Promise((resolve) => broker.once('exit', resolve))
  return {
    address: `127.0.0.1:${port}`,
    async stop() {
      broker.kill('SIGKILL')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
