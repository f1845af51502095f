import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import { findProject } from './find-project.ts'
import { faultsBetween } from './server-rules.ts'

/** Every fault of the configuration, each naming its variable. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

const port = z.coerce
  .number('is not a number')
  .int('is not a whole number')
  .min(1, 'is below 1')
  .max(65_535, 'is above 65535')
const url = z.url('is not a URL').transform((value) => value.replace(/\/+$/, ''))
/** A server's URL. A login in it would end up wherever the URL is shown. */
const serverUrl = url
  .refine((value) => /^https?:/.test(value), 'begins neither with http: nor with https:')
  .refine((value) => !/^\w+:\/*[^/]*@/.test(value), 'has a login in it: it has settings of its own')
/** Paths in .env are from the project's folder, wherever a command is typed. */
export const fromProject = (path: string): string => resolve(findProject(process.cwd()) ?? '.', path)
const caFile = z.string().transform((path, context) => {
  try {
    const text = readFileSync(fromProject(path), 'utf8')
    if (text.includes('-----BEGIN CERTIFICATE-----')) return text
    context.addIssue('has no certificate in it (PEM, -----BEGIN CERTIFICATE-----)')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    context.addIssue(code === 'ENOENT' ? "doesn't exist" : `can't be read (${code})`)
  }
  return z.NEVER
})
const onOrOff = z.enum(['on', 'off'], 'is neither on nor off')
const secret = z.string('is missing: `make up` makes it once, in .tributary/secrets.env').min(1, 'is empty')
const hostPorts = z
  .string()
  .transform((value) => value.split(',').map((part) => part.trim()))
  .refine((parts) => parts.every((part) => /^[^\s:]+:\d{1,5}$/.test(part)), 'is not a list of host:port')
/** `postgres://host:port`, as host and port. Who enters, and which database, is said elsewhere. */
const postgresUrl = z.url('is not a URL').transform((value, context) => {
  const { protocol, hostname, port: at, username, pathname, search } = new URL(value)
  const not = (what: string) => {
    context.addIssue(what)
    return z.NEVER
  }
  if (!/^postgres(ql)?:$/.test(protocol) || hostname === '') return not('is not postgres://host:port')
  if (username) return not('has a login in it: it has settings of its own')
  if (pathname.length > 1) return not('names a database: each service has the one of its name')
  if (search) return not('has options: TLS is POSTGRES_TLS and POSTGRES_CA_FILE')
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(at || 5432) }
})
const hostNames = z
  .string()
  .transform((value) => value.split(',').flatMap((part) => part.trim() || []))
  .refine((parts) => parts.every((part) => /^[^\s:/*]+$|^\[[0-9a-f:.]+\]$/i.test(part)), 'is not a list of host names')

/** The settings processes share, by variable. A process picks those it needs: `readConfig({ ...kafka, PORT: setting.port })`. */
export const setting = {
  port,
  url,
  postgresUrl,
  secret,
  hostPorts,
  text: z.string().min(1, 'is empty'),
  count: z.coerce.number('is not a number').int('is not a whole number').min(0, 'is negative'),
  logLevel: z.enum(
    ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    'is not one of trace, debug, info, warn, error',
  ),
}

const text = setting.text.optional()
const insecure = onOrOff.optional().describe('`on`: the login may go to another computer without TLS')
const httpLogin = <Prefix extends string>(prefix: Prefix) =>
  ({
    [`${prefix}_USERNAME`]: text.describe('basic authentication'),
    [`${prefix}_PASSWORD`]: text.describe('basic authentication'),
    [`${prefix}_CA_FILE`]: caFile.optional().describe('certificates (PEM) of the CA that is trusted instead'),
    [`${prefix}_INSECURE`]: insecure,
  }) as Record<`${Prefix}_${'USERNAME' | 'PASSWORD' | 'CA_FILE' | 'INSECURE'}`, typeof text>

/** The mechanisms of SASL that both Kafka clients and Kafka Connect know. */
export const saslMechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const

export const kafkaSettings = {
  KAFKA_BROKERS: hostPorts.prefault('127.0.0.1:19092').describe('`host:port` of some brokers, separated by commas'),
  KAFKA_TLS: onOrOff.optional().describe('`on`: TLS, with the CAs that Node brings; not needed beside `KAFKA_CA_FILE`'),
  KAFKA_CA_FILE: caFile.optional().describe('certificates (PEM) of the CA that is trusted instead'),
  KAFKA_INSECURE: insecure,
  KAFKA_SASL_MECHANISM: z
    .enum(saslMechanisms, `is not one of ${saslMechanisms.join(', ')}`)
    .optional()
    .describe(saslMechanisms.map((name) => `\`${name}\``).join(', ')),
  KAFKA_USERNAME: text.describe('the login'),
  KAFKA_PASSWORD: text.describe('its password'),
}
export const registrySettings = {
  REGISTRY_URL: serverUrl
    .prefault('http://127.0.0.1:18081/apis/ccompat/v7')
    .describe('the registry’s Confluent-compatible path: Apicurio’s ends in `/apis/ccompat/v7`'),
  ...httpLogin('REGISTRY'),
}
export const connectSettings = {
  CONNECT_URL: serverUrl.prefault('http://127.0.0.1:18083').describe('the REST interface of Kafka Connect'),
  ...httpLogin('CONNECT'),
}
export const elasticsearchSettings = {
  ELASTICSEARCH_URL: serverUrl.prefault('http://127.0.0.1:19200').describe('one address of the cluster'),
  ELASTICSEARCH_API_KEY: text.describe('an encoded API key, in place of a login'),
  ...httpLogin('ELASTICSEARCH'),
}
export const postgresSettings = {
  POSTGRES_URL: setting.postgresUrl
    .optional()
    .describe('`postgres://host:port` of the server of all services that have none of their own'),
  POSTGRES_HOST: z.string().default('127.0.0.1').describe('where the stack’s own server is, without `POSTGRES_URL`'),
  POSTGRES_PORT: port.default(15_432).describe('of the stack’s own server'),
  POSTGRES_TLS: onOrOff.optional().describe('`on`: TLS to the servers that are given'),
  POSTGRES_CA_FILE: caFile
    .optional()
    .describe('certificates (PEM) of the CAs that are trusted instead; one file may hold several'),
  POSTGRES_INSECURE: insecure,
}
/** Where a process listens. Loopback unless told otherwise (a container listens on all of its own interfaces). */
export const listenSettings = {
  HOST: z.string().default('127.0.0.1').describe('the address that processes listen on'),
  ALLOWED_HOSTS: hostNames
    .prefault('')
    .describe('names beside localhost under which services and page may be asked, separated by commas, without ports'),
}

/** What `readConfig` makes of a shape. */
export type Settings<Shape extends z.ZodRawShape> = z.output<z.ZodObject<Shape>>

/**
 * Reads and checks settings once, at start. Throws `ConfigError` with all faults at once.
 * @param shape zod types by variable name
 */
export function readConfig<Shape extends z.ZodRawShape>(
  shape: Shape,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Settings<Shape> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''))
  const parsed = z.object(shape).safeParse(given)
  const between = faultsBetween(new Set(Object.keys(shape)), given)
  if (parsed.success && between.length === 0) return parsed.data
  const faults = [
    ...(parsed.error?.issues ?? []).map((issue) => {
      const name = String(issue.path[0])
      const shown = given[name] === undefined || isSecret(name, given[name]) ? '' : `="${given[name]}"`
      const what =
        given[name] === undefined && issue.code === 'invalid_type' && !/missing/.test(issue.message)
          ? 'is missing'
          : issue.message
      return `  ${name}${shown} ${what}`
    }),
    ...between.map(({ name, what }) => `  ${name} ${what}`),
  ]
  throw new ConfigError(
    `the configuration has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`} (see .env.example):\n${faults.join('\n')}`,
  )
}

/** Whether a value isn't to be shown; a URL may have a login in it. */
const isSecret = (name: string, value: string) => /PASSWORD|SECRET|API_KEY/.test(name) || /^\w+:\/*[^/]*@/.test(value)
