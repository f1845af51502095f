import { Pool } from 'undici'
import { type Command, type Service, services } from './script.ts'

/** How a command went. */
export type Answer =
  /** Carried out, now or before. */
  | { readonly outcome: 'done' }
  /** The service doesn't know yet of what the command refers to: send it again. */
  | { readonly outcome: 'not-yet'; readonly reason: string }
  /** Nobody answered, or with a fault of its own: send it again when it is back. */
  | { readonly outcome: 'down'; readonly reason: string }
  /** Refused for good. */
  | { readonly outcome: 'refused'; readonly reason: string }

export interface Sender {
  /** Never rejects. A command may be sent any number of times: its key tells the service that it is the same one. */
  send(command: Command): Promise<Answer>
  /** The JSON at a path of a service; undefined for 404. Rejects when nobody answers, or with anything but 200 and 404. */
  get(service: Service, path: string): Promise<unknown>
  close(): Promise<void>
}

/** An unanswered request is given up after this and sent again, ms. */
const ANSWER_MS = 30_000
const CONNECT_MS = 5_000
const done: Answer = { outcome: 'done' }

/** Sends commands over HTTP/1.1 on connections that stay open. */
export function openSender(urls: Readonly<Record<Service, string>>, { connections }: { connections: number }): Sender {
  const pools = Object.fromEntries(
    services.map((service) => [
      service,
      new Pool(urls[service], {
        connections,
        pipelining: 1,
        headersTimeout: ANSWER_MS,
        bodyTimeout: ANSWER_MS,
        connect: { timeout: CONNECT_MS },
      }),
    ]),
  ) as Record<Service, Pool>

  return {
    // `dispatch` instead of `request`: most answers are only a status, and this spares a stream for each.
    send: ({ service, method, path, body, key }) =>
      new Promise((resolve) => {
        let status = 0
        let text = ''
        const headers = ['content-type', 'application/json', 'idempotency-key', key]
        pools[service].dispatch(
          { method, path, headers, body },
          {
            onRequestStart: () => {},
            onResponseStart: (_, code) => {
              status = code
            },
            onResponseData: (_, chunk) => {
              if (status >= 300) text += chunk.toString()
            },
            onResponseEnd: () => resolve(status < 300 ? done : judge(status, text)),
            onResponseError: (_, error) => resolve({ outcome: 'down', reason: explain(error) }),
          },
        )
      }),
    get: async (service, path) => {
      const url = `${urls[service]}${path}`
      const { statusCode, body } = await pools[service].request({ method: 'GET', path }).catch((error) => {
        throw new Error(`${url} doesn't answer: ${explain(error)}`, { cause: error })
      })
      const text = await body.text()
      if (statusCode === 404) return undefined
      if (statusCode !== 200) throw new Error(`${url} answered ${statusCode}: ${text}`)
      return JSON.parse(text)
    },
    close: async () => {
      await Promise.all(Object.values(pools).map((pool) => pool.close()))
    },
  }
}

/** Reads an answer that is no success. A conflict says itself whether it passes. */
export function judge(status: number, text: string): Answer {
  const reason = `${status} ${text}`
  if (status >= 500 || status === 429 || status === 408) return { outcome: 'down', reason }
  return { outcome: status === 409 && isRetryable(text) ? 'not-yet' : 'refused', reason }
}

function isRetryable(text: string): boolean {
  try {
    return (JSON.parse(text) as { retryable?: unknown }).retryable === true
  } catch {
    return false
  }
}

function explain(error: Error): string {
  const code = (error as NodeJS.ErrnoException).code
  return code === undefined || error.message.includes(code) ? error.message || String(code) : `${code} ${error.message}`
}
