import pg from 'pg'
import type { Concern } from '#runtime/health'
import { fetchAt, type HttpAt } from '#runtime/http-at'
import { type KafkaAt, kafkaOptions } from '#runtime/kafka-at'
import kafkajs from '#runtime/kafkajs'
import type { Ports } from './environment.ts'
import type { ProcessSpec } from './processes.ts'

const { Kafka, logLevel } = kafkajs

/** `undefined` when well, else the reason. */
export type Ailment = string | undefined

/** How a process is. */
export interface Condition {
  readonly ailment: Ailment
  /** What it says of others, or of itself, that isn't as it should be though it works. */
  readonly concerns: readonly Concern[]
}

const PATIENCE_MS = 2_500
/** An answer that comes in several steps may take this long altogether. */
const LONGEST_MS = 5_000

/** Asks a process how it is. Never throws, and takes no longer than LONGEST_MS, whatever hangs. */
export async function conditionOf(
  spec: ProcessSpec,
  ports: Ports,
  secrets: Readonly<Record<string, string>>,
): Promise<Condition> {
  const port = ports[spec.port]!
  return patiently(() => {
    if (spec.health.ask === 'http') return askHttp(`http://127.0.0.1:${port}`, spec.health.path)
    if (spec.health.ask === 'kafka') return unconcerned(askKafka([`127.0.0.1:${port}`]))
    const login = { host: '127.0.0.1', port, user: 'postgres', password: secrets.POSTGRES_PASSWORD }
    return unconcerned(askPostgres({ ...login, database: 'postgres' }))
  })
}

/** What comes of a question within the longest time; a fault where it fails. Never throws. */
export function patiently(ask: () => Promise<Condition>): Promise<Condition> {
  return within(LONGEST_MS, Promise.resolve().then(ask)).catch((error) => ({ ailment: reasonOf(error), concerns: [] }))
}

/** Asks a process whether it is well. Never throws. */
export async function ailmentOf(...of: Parameters<typeof conditionOf>): Promise<Ailment> {
  return (await conditionOf(...of)).ailment
}

const unconcerned = async (ailment: Promise<Ailment>): Promise<Condition> => ({ ailment: await ailment, concerns: [] })

function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

/** GET answers 2xx where all is well. */
export async function askHttp(at: HttpAt, path: string): Promise<Condition> {
  const answer = await fetchAt(at, path, { signal: AbortSignal.timeout(PATIENCE_MS) })
  return conditionFrom(answer.status, await answer.text())
}

/** Reads what `GET /health`, or one of the servers, answered. */
export function conditionFrom(status: number, body: string): Condition {
  const said = parsed(body)
  const concerns = Array.isArray(said.concerns) ? said.concerns.filter(isConcern) : []
  if (status >= 200 && status < 300) return { ailment: undefined, concerns }
  const reason = [said.reason, said.detail, said.message].find((one) => typeof one === 'string' && one !== '')
  return { ailment: `answers ${status}${reason ? `: ${inOneLine(String(reason))}` : ''}`, concerns }
}

function parsed(body: string): Record<string, unknown> {
  try {
    const value = JSON.parse(body)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}

function isConcern(value: unknown): value is Concern {
  const one = value as Concern | null
  return typeof one?.part === 'string' && typeof one.what === 'string'
}

export const inOneLine = (text: string) => text.trim().replace(/\s*\n\s*/g, ' ')

export async function askKafka(at: KafkaAt): Promise<Ailment> {
  const kafka = new Kafka({
    ...kafkaOptions(at),
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

/** @param entered where, and by whom */
export async function askPostgres(entered: pg.ClientConfig): Promise<Ailment> {
  const client = new pg.Client({
    ...entered,
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

type State = { state: string; trace?: string }
type ConnectorStatus = { connector: State; tasks: (State & { id: number })[] }

/**
 * The connectors' tasks that don't run, in words; `undefined` when every connector and task runs.
 * @param at Kafka Connect
 * @param least how many connectors there should be
 */
export async function ailingConnectors(at: HttpAt, least: number): Promise<Ailment> {
  try {
    const answer = await fetchAt(at, '/connectors?expand=status', {
      signal: AbortSignal.timeout(PATIENCE_MS),
    })
    if (!answer.ok) return `answers ${answer.status}`
    return connectorFaults((await answer.json()) as Record<string, { status: ConnectorStatus }>, least)
  } catch (error) {
    return reasonOf(error)
  }
}

/** Connect may say RUNNING of a connector whose only task has FAILED: the tasks count. */
export function connectorFaults(all: Readonly<Record<string, { status: ConnectorStatus }>>, least: number): Ailment {
  const connectors = Object.entries(all)
  // A trace's first line is the exception; the rest is for the log.
  const why = ({ trace }: State) => (trace ? `: ${trace.trimStart().split('\n')[0]?.trimEnd()}` : '')
  const faults = connectors.flatMap(
    ([
      name,
      {
        status: { connector, tasks },
      },
    ]) => {
      if (connector.state !== 'RUNNING') return [`connector ${name} is ${connector.state}${why(connector)}`]
      if (tasks.length === 0) return [`connector ${name} has no task`]
      return tasks.filter((t) => t.state !== 'RUNNING').map((t) => `task ${name}/${t.id} is ${t.state}${why(t)}`)
    },
  )
  if (connectors.length < least) faults.push(`${connectors.length} of ${least} connectors are there`)
  return faults.length > 0 ? faults.join(', ') : undefined
}

function reasonOf(error: unknown): string {
  const { name, message, cause, code } = error as Error & { cause?: { code?: string; message?: string }; code?: string }
  // Its code says less than its words.
  if (error instanceof pg.DatabaseError) return message
  if (name === 'TimeoutError') return `no answer within ${PATIENCE_MS} ms`
  const reason = cause?.code ?? code ?? cause?.message ?? message
  return reason === 'ECONNREFUSED' ? 'nothing answers on its port' : String(reason)
}
