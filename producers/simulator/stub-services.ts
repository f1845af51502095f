import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Service, services } from './script.ts'

/** A request as the stub got it. */
export interface Received {
  readonly method: string
  readonly path: string
  readonly key: string | undefined
  readonly body: unknown
}

/** What the stub is to answer; nothing given: 201. `drop` ends the connection without an answer. */
export type Reply = { readonly status: number; readonly body?: object } | 'drop' | undefined

export interface StubServices {
  readonly urls: Record<Service, string>
  /** Requests that got an answer below 300, in order. */
  readonly carriedOut: Received[]
  readonly received: Received[]
  readonly port: number
  close(): Promise<void>
}

/** All services at one address, for tests of failures that real services can't be made to show. */
export async function stubServices(
  reply: (request: Received) => Reply | Promise<Reply> = () => undefined,
  port = 0,
): Promise<StubServices> {
  const received: Received[] = []
  const carriedOut: Received[] = []
  const server = createServer(async (incoming, answer) => {
    let text = ''
    for await (const chunk of incoming) text += chunk
    const request: Received = {
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      key: incoming.headers['idempotency-key'] as string | undefined,
      body: text === '' ? undefined : JSON.parse(text),
    }
    received.push(request)
    const replied = await reply(request)
    if (replied === 'drop') incoming.socket.destroy()
    else {
      const { status, body = {} } = replied ?? { status: 201 }
      if (status < 300) carriedOut.push(request)
      end(answer, status, body)
    }
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const bound = (server.address() as AddressInfo).port
  const url = `http://127.0.0.1:${bound}`
  return {
    urls: Object.fromEntries(services.map((service) => [service, url])) as Record<Service, string>,
    carriedOut,
    received,
    port: bound,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function end(answer: ServerResponse, status: number, body: object): void {
  answer.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
