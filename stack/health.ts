import pg from 'pg'
import kafkajs from '#runtime/kafkajs.ts'
import type { Ports } from './environment.ts'
import type { ProcessSpec } from './processes.ts'

const { Kafka, logLevel } = kafkajs

/** `undefined` when well, else the reason in a few words. */
export type Ailment = string | undefined

const PATIENCE_MS = 2_500

/** Asks a process whether it is well. Never throws. */
export async function ailmentOf(
  spec: ProcessSpec,
  ports: Ports,
  secrets: Readonly<Record<string, string>>,
): Promise<Ailment> {
  const port = ports[spec.port]
  try {
    if (spec.health.ask === 'http') return await askHttp(port, spec.health.path)
    if (spec.health.ask === 'kafka') return await askKafka(port)
    return await askPostgres(port, secrets.POSTGRES_PASSWORD)
  } catch (error) {
    return reasonOf(error)
  }
}

async function askHttp(port: number, path: string): Promise<Ailment> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(PATIENCE_MS) })
  const body = await answer.text()
  if (answer.ok) return undefined
  const said = /"reason"\s*:\s*"([^"]+)"/.exec(body)?.[1] ?? /"message"\s*:\s*"([^"]+)"/.exec(body)?.[1]
  return `answers ${answer.status}${said ? `: ${said}` : ''}`
}

async function askKafka(port: number): Promise<Ailment> {
  const kafka = new Kafka({
    brokers: [`127.0.0.1:${port}`],
    logLevel: logLevel.NOTHING,
    connectionTimeout: PATIENCE_MS,
    requestTimeout: PATIENCE_MS,
    retry: { retries: 0 },
  })
  const admin = kafka.admin()
  try {
    await admin.connect()
    const { brokers } = await admin.describeCluster()
    return brokers.length > 0 ? undefined : 'no broker is registered yet'
  } finally {
    await admin.disconnect().catch(() => {})
  }
}

async function askPostgres(port: number, password: string | undefined): Promise<Ailment> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: 'postgres',
    password,
    database: 'postgres',
    connectionTimeoutMillis: PATIENCE_MS,
    query_timeout: PATIENCE_MS,
  })
  // A server that goes away while it is asked must not end the asking process.
  client.on('error', () => {})
  await client.connect()
  try {
    await client.query('select 1')
    return undefined
  } finally {
    await client.end().catch(() => {})
  }
}

/**
 * The connectors' tasks that don't run, in words; `undefined` when every connector and task runs.
 * Connect may say RUNNING of a connector whose only task has FAILED: the tasks count.
 */
export async function ailingConnectors(port: number, least: number): Promise<Ailment> {
  type Status = { connector: { state: string }; tasks: { id: number; state: string }[] }
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/connectors?expand=status`, {
      signal: AbortSignal.timeout(PATIENCE_MS),
    })
    if (!answer.ok) return `answers ${answer.status}`
    const connectors = Object.entries((await answer.json()) as Record<string, { status: Status }>)
    const faults = connectors.flatMap(([name, { status }]) => {
      if (status.connector.state !== 'RUNNING') return [`connector ${name} is ${status.connector.state}`]
      if (status.tasks.length === 0) return [`connector ${name} has no task`]
      return status.tasks.filter((t) => t.state !== 'RUNNING').map((t) => `task ${name}/${t.id} is ${t.state}`)
    })
    if (connectors.length < least) faults.push(`${connectors.length} of ${least} connectors are there`)
    return faults.length > 0 ? faults.join(', ') : undefined
  } catch (error) {
    return reasonOf(error)
  }
}

function reasonOf(error: unknown): string {
  const { name, message, cause, code } = error as Error & { cause?: { code?: string; message?: string }; code?: string }
  if (name === 'TimeoutError') return `no answer within ${PATIENCE_MS} ms`
  const reason = cause?.code ?? code ?? cause?.message ?? message
  return reason === 'ECONNREFUSED' ? 'nothing answers on its port' : String(reason)
}
