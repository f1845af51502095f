import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePorts } from '#testing/free-ports'
import { waitUntil } from '#testing/wait-until'
import { readStackSettings } from './environment.ts'
import { makeRoom, runningProcesses } from './make-room.ts'
import { placesOf } from './places.ts'
import { findTakenPorts } from './ports.ts'
import type { Say } from './say.ts'
import { shapeOf } from './shape.ts'
import { endSupervisor, openSupervisor, type Supervisor } from './supervisor/client.ts'

const home = mkdtempSync(join(tmpdir(), 'tributary-room-'))
const places = placesOf({ home, cache: home, elasticsearchData: undefined })
const listens = `require('node:http').createServer().listen(Number(process.env.PORT), '127.0.0.1')`
const lines: string[] = []
const say: Say = { line: (text) => void lines.push(text), progress: () => ({ end() {} }), step: (_, work) => work() }
let supervisor: Supervisor
let ports: number[]

beforeAll(async () => {
  ports = await freePorts(2)
  supervisor = await openSupervisor(places)
  for (const [at, name] of ['members', 'loans'].entries()) {
    const launch = { command: process.execPath, args: ['-e', listens], cwd: '/', env: { PORT: String(ports[at]) } }
    await supervisor.start(name, launch, { definition: 'd', asServer: false })
  }
  await waitUntil('both listen', async () => (await taken()).length === 2)
}, 60_000)
afterAll(async () => {
  supervisor?.close()
  await endSupervisor(places)
  rmSync(home, { recursive: true, force: true })
}, 60_000)

const taken = () => findTakenPorts(new Map(ports.map((port, at) => [String(at), port])))

test('a service that was taken out makes room for another, and one whose port moved makes room, too', async () => {
  const shape = shapeOf({ services: ['loans', 'fines'], topologies: new Map() })
  // The first port is that of loans now, the second one is for the new service.
  const env = { TRIBUTARY_HOME: home, STACK: 'native', LOANS_PORT: String(ports[0]), FINES_PORT: String(ports[1]) }
  const settings = readStackSettings(shape, env)
  const specs = settings.shape.processes.filter(({ name }) => name === 'loans' || name === 'fines')
  await makeRoom(settings, places, specs, await runningProcesses(places), say)
  expect([await taken(), await supervisor.list()]).toEqual([[], []])
  expect(lines).toEqual(['ended what the system has no more: members'])
}, 60_000)
