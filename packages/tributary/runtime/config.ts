import { z } from 'zod'

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
const secret = z.string('is missing: `make up` generates it into secrets.env').min(1, 'is empty')
const hostPorts = z
  .string()
  .transform((value) => value.split(',').map((part) => part.trim()))
  .refine((parts) => parts.every((part) => /^[^\s:]+:\d{1,5}$/.test(part)), 'is not a list of host:port')
const hostNames = z
  .string()
  .transform((value) => value.split(',').flatMap((part) => part.trim() || []))
  .refine((parts) => parts.every((part) => /^[^\s:/*]+$|^\[[0-9a-f:.]+\]$/i.test(part)), 'is not a list of host names')

/** The settings processes share, by variable. A process picks those it needs: `readConfig({ ...kafka, PORT: setting.port })`. */
export const setting = {
  port,
  url,
  secret,
  hostPorts,
  text: z.string().min(1, 'is empty'),
  count: z.coerce.number('is not a number').int('is not a whole number').min(0, 'is negative'),
  logLevel: z.enum(
    ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    'is not one of trace, debug, info, warn, error',
  ),
}

export const kafkaSettings = { KAFKA_BROKERS: hostPorts.prefault('127.0.0.1:19092') }
export const registrySettings = { REGISTRY_URL: url.prefault('http://127.0.0.1:18081/apis/ccompat/v7') }
export const connectSettings = { CONNECT_URL: url.prefault('http://127.0.0.1:18083') }
export const elasticsearchSettings = { ELASTICSEARCH_URL: url.prefault('http://127.0.0.1:19200') }
export const postgresSettings = { POSTGRES_HOST: z.string().default('127.0.0.1'), POSTGRES_PORT: port.default(15_432) }
/** Where a process listens. Loopback unless told otherwise (a container listens on all of its own interfaces). */
export const listenSettings = {
  HOST: z.string().default('127.0.0.1'),
  /** Names under which requests may come in, beside loopback's. */
  ALLOWED_HOSTS: hostNames.prefault(''),
}

/**
 * Reads and checks settings once, at start. Throws `ConfigError` with all faults at once.
 * @param shape zod types by variable name
 */
export function readConfig<Shape extends z.ZodRawShape>(
  shape: Shape,
  env: Readonly<Record<string, string | undefined>> = process.env,
): z.output<z.ZodObject<Shape>> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''))
  const parsed = z.object(shape).safeParse(given)
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map((issue) => {
    const name = String(issue.path[0])
    const shown = /PASSWORD|SECRET/.test(name) || given[name] === undefined ? '' : `="${given[name]}"`
    const what =
      given[name] === undefined && issue.code === 'invalid_type' && !/missing/.test(issue.message)
        ? 'is missing'
        : issue.message
    return `  ${name}${shown} ${what}`
  })
  throw new ConfigError(
    `the configuration has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`} (see .env.example):\n${faults.join('\n')}`,
  )
}
