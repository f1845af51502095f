import { randomUUID } from 'node:crypto'
import { waitUntil } from 'tributary/testing'

/** What a test needs to know of a stack. */
export interface StackUnderTest {
  readonly urls: {
    readonly kafka: string
    readonly elasticsearch: string
    readonly services: Readonly<Record<string, string>>
  }
  tributary(
    args: string[],
    options?: { timeoutMs?: number },
  ): Promise<{ code: number | null; stdout: string; stderr: string }>
}

interface SearchAnswer {
  readonly hits: {
    readonly total: { readonly value: number }
    readonly hits: readonly { readonly _id: string; readonly _source: Record<string, unknown> }[]
  }
}

/** The services' commands and Elasticsearch's search, as a client uses them. */
export function api(stack: StackUnderTest) {
  async function call(method: string, service: string, path: string, body?: unknown): Promise<unknown> {
    const key = randomUUID()
    return waitUntil(
      `${method} ${service}${path}`,
      async () => {
        const response = await fetch(`${stack.urls.services[service]}${path}`, {
          method,
          headers: { 'idempotency-key': key, 'content-type': 'application/json' },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        })
        const text = await response.text()
        if (response.ok) return { answer: text ? JSON.parse(text) : {} }
        // A service that hasn't heard of what the command refers to says so; it soon will have.
        if (response.status === 409 && JSON.parse(text).retryable) return undefined
        throw new Error(`${method} ${service}${path} answered ${response.status}: ${text}`)
      },
      { timeoutMs: 30_000 },
    )
  }

  return {
    post: (service: string, path: string, body: unknown) => call('POST', service, path, body),
    put: (service: string, path: string, body: unknown) => call('PUT', service, path, body),
    del: (service: string, path: string) => call('DELETE', service, path),

    async search(index: string, body: object): Promise<SearchAnswer> {
      const response = await fetch(`${stack.urls.elasticsearch}/${index}/_search`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      if (!response.ok) throw new Error(`search in ${index} answered ${response.status}: ${await response.text()}`)
      return (await response.json()) as SearchAnswer
    },

    /** Everything committed until now is searchable. */
    async settled(): Promise<void> {
      const { code, stdout, stderr } = await stack.tributary(['wait'], { timeoutMs: 120_000 })
      if (code !== 0) throw new Error(`tributary wait ended with ${code}:\n${stdout}\n${stderr}`)
    },
  }
}
