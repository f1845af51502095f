import { readFileSync } from 'node:fs'
import { extname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { project } from '#runtime/project'
import type { ProcessSpec } from './processes.ts'
import { initdbArguments, postgresHba } from './settings.ts'
import type { Shape } from './shape.ts'
import { images } from './versions.ts'

/** The file that `tributary compose generate` writes and the check compares with. */
export const composeFile = join(project(), 'docker-compose.yml')

/** What is the machine's: servers, bounds, health checks. Its `{{names}}` are filled in here. */
const template = new URL('./docker-compose.template', import.meta.url)

/** What asks a process of ours inside its container; the image has the project's layout. */
const healthy = relative(
  project(),
  fileURLToPath(new URL(`./healthy${extname(import.meta.filename)}`, import.meta.url)),
).replaceAll(sep, '/')

/**
 * The text of docker-compose.yml for a system: the template's servers and steps, and a container for each of its own
 * processes. The same shape gives the same text.
 */
export function generateCompose(shape: Shape): string {
  const parts = partsOf(shape)
  const part = (name: string): readonly string[] => {
    const lines = parts[name]
    if (!lines) throw new Error(`docker-compose.template asks for {{${name}}}, which nobody fills in`)
    return lines
  }
  return (
    readFileSync(template, 'utf8')
      // Alone on its line a name stands for as many lines as there are, at the same indentation.
      .replace(/^( *)\{\{(.+)\}\}$/gm, (_, indent: string, name: string) =>
        part(name)
          .map((line) => (line === '' ? '' : indent + line))
          .join('\n'),
      )
      .replace(/\{\{(.+?)\}\}/g, (_, name: string) => part(name).join(','))
  )
}

/** What stands in the template's places, each as lines. */
function partsOf(shape: Shape): Readonly<Record<string, readonly string[]>> {
  const { services, ownServices, processes, defaultPorts, secretNames, servers } = shape
  const served = ['freshness', 'reports', ...ownServices]
  const connect = processes.find(({ name }) => name === 'connect')!
  return {
    hosts: served,
    addresses: served.map((name) => `${variable(name)}_URL: http://${name}:${defaultPorts[`${variable(name)}_PORT`]}`),
    ...Object.fromEntries(Object.entries(images).map(([name, image]) => [`image ${name}`, [image]])),
    ...Object.fromEntries(Object.entries(servers.heap).map(([name, size]) => [`heap ${name}`, [size]])),
    ...Object.fromEntries(Object.entries(servers.heap).map(([name, size]) => [`memory ${name}`, [memoryFor(size)]])),
    'initdb arguments': [initdbArguments.join(' ')],
    'postgres settings': Object.entries(servers.postgres).flatMap(([name, value]) => [
      '- -c',
      `- ${text(`${name}=${value}`)}`,
    ]),
    'kafka settings': settings(servers.kafka, (name) => `KAFKA_${variable(name)}`),
    'registry settings': settings(servers.registry),
    'elasticsearch settings': settings(servers.elasticsearch),
    'connect settings': settings(servers.connect, connectVariable),
    'secrets connect': secretLines(connect.secrets),
    secrets: secretLines(secretNames),
    processes: processes
      .filter(({ command }) => command)
      .flatMap((spec, at) => [...(at > 0 ? [''] : []), ...containerOf(spec, defaultPorts[spec.port]!)]),
    'pg_hba.conf': postgresHba(services).trimEnd().split('\n'),
  }
}

/** A Java server's container: room beside the heap for code, threads, and files in memory. */
function memoryFor(heap: string): string {
  const mebibytes = Number.parseInt(heap, 10) * (heap.endsWith('g') ? 1024 : 1)
  return `${Math.max(2048, Math.ceil((mebibytes * 3) / 1024) * 1024) / 1024}g`
}

/** A container of one of our processes. It listens on its default port inside, whatever is published. */
function containerOf(spec: ProcessSpec, port: number): string[] {
  const needs = [
    ...spec.needs.map((name) => `    ${name}: { condition: service_healthy }`),
    ...spec.steps.map((name) => `    ${name}: { condition: service_completed_successfully }`),
  ]
  return [
    `${spec.name}:`,
    '  <<: *ours',
    ...(spec.kind === 'processor' ? ['  mem_limit: 2g'] : []),
    `  command: [${spec.command!.join(', ')}]`,
    '  environment:',
    '    <<: *addresses',
    `    ${spec.port}: "${port}"`,
    ...secretLines(spec.secrets).map((line) => `    ${line}`),
    '  depends_on:',
    ...needs,
    `  ports: ["127.0.0.1:\${${spec.port}:-${port}}:${port}"]`,
    '  healthcheck:',
    '    <<: *ours-health',
    `    test: [CMD, node, ${healthy}, "${port}"]`,
  ]
}

const variable = (name: string) => name.toUpperCase().replaceAll(/[.-]/g, '_')

const secretLines = (names: readonly string[]) => names.map((name) => `${name}: \${${name}:?run make up}`)

/** A string, whatever it looks like; Compose takes `$$` for `$`. */
const text = (value: string) => JSON.stringify(value.replaceAll('$', '$$$$'))

const settings = (values: Readonly<Record<string, string>>, nameOf = (name: string) => name) =>
  Object.entries(values).map(([name, value]) => `${nameOf(name)}: ${text(value)}`)

/** Debezium's entrypoint has names of its own for these settings; every other one is a `CONNECT_…`. */
const namedByTheImage = /^(group\.id|(config|offset|status)\.storage\.topic|(key|value)\.converter)$/
const connectVariable = (name: string) => (namedByTheImage.test(name) ? variable(name) : `CONNECT_${variable(name)}`)
