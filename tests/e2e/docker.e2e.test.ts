import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DockerComposeEnvironment, type StartedDockerComposeEnvironment } from 'testcontainers'
import { waitUntil } from 'tributary/testing'
import { freePorts, type Stack, stackAt } from 'tributary/testing/stack'
import { afterAll, beforeAll, expect, test } from 'vitest'
import system from '#config'
import { addresses, repository } from '../../packages/tributary/stack/environment.ts'
import { ensureSecrets } from '../../packages/tributary/stack/secrets.ts'
import { shapeOf } from '../../packages/tributary/stack/shape.ts'

const engine = spawnSync('docker', ['info'], { stdio: 'ignore', timeout: 20_000 }).status === 0
if (!engine) console.warn('skipped: docker-compose.yml as a whole (no Docker engine answers)')

const shape = shapeOf(system)

let started: StartedDockerComposeEnvironment | undefined
let home = ''
let stack: Stack

beforeAll(async () => {
  if (!engine) return
  home = mkdtempSync(join(tmpdir(), 'tributary-docker-'))
  const names = Object.keys(shape.defaultPorts)
  const free = await freePorts(names.length)
  const ports = Object.fromEntries(names.map((name, i) => [name, free[i]!]))
  const published = Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)]))
  const secrets = ensureSecrets(home, shape.secretNames)
  stack = stackAt({
    STACK: 'docker',
    DEMO: 'off',
    TRIBUTARY_HOME: home,
    ...addresses(shape, ports),
    ...published,
    ...secrets,
  })
  started = await new DockerComposeEnvironment(repository, 'docker-compose.yml')
    .withBuild()
    .withEnvironment({ ...published, ...secrets, LOG_LEVEL: 'warn' })
    .withStartupTimeout(900_000)
    .up()
}, 1_800_000)

afterAll(async () => {
  await started?.down({ removeVolumes: true })
  if (home) rmSync(home, { recursive: true, force: true })
}, 120_000)

test.skipIf(!engine)(
  'the system of docker-compose.yml plays a marketplace, and every document is right',
  async () => {
    await waitUntil(
      'the freshness of all read models is known',
      () =>
        fetch(`${stack.env.FRESHNESS_URL}/health`).then(
          (r) => r.ok,
          () => false,
        ),
      {
        timeoutMs: 300_000,
      },
    )
    const played = await stack.tributary(['simulate', '--orders', '200'], { timeoutMs: 300_000 })
    expect(played.code, played.stderr).toBe(0)
    const verified = await stack.tributary(['verify'], { timeoutMs: 120_000 })
    expect(verified.code, verified.stdout).toBe(0)
  },
  900_000,
)
