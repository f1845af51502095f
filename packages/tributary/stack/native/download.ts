import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { EnvHttpProxyAgent, fetch } from 'undici'
import { proxiesOf } from './proxies.ts'

/** What a whole download comes to. */
export interface Sum {
  readonly algorithm: 'sha256' | 'sha512'
  readonly hex: string
}

const CONNECT_MS = 20_000
const SILENCE_MS = 60_000

/**
 * Downloads a file and compares it with its pinned sum. The proxy that the environment names serves (HTTPS_PROXY,
 * HTTP_PROXY, ALL_PROXY, NO_PROXY).
 * @throws Error naming the address and what is wrong: it can't be reached, answers otherwise, was cut off or altered; or
 * the variable of a proxy that can't be used
 */
export async function download(url: string, into: string, sum: Sum): Promise<void> {
  const agent = throughProxies(process.env)
  try {
    const answer = await fetch(url, { dispatcher: agent }).catch((error) => {
      throw new Error(`${url} can't be reached (${reasonOf(error)})`)
    })
    if (!answer.ok || !answer.body) throw new Error(`${url} answers ${answer.status}`)
    const hash = createHash(sum.algorithm)
    try {
      await pipeline(
        Readable.fromWeb(answer.body),
        async function* (parts) {
          for await (const part of parts) {
            hash.update(part)
            yield part
          }
        },
        createWriteStream(into),
      )
    } catch (error) {
      throw new Error(`the download of ${url} was cut off (${reasonOf(error)})`)
    }
    const hex = hash.digest('hex')
    if (hex !== sum.hex) {
      throw new Error(
        `${url} has the ${sum.algorithm.toUpperCase().replace('SHA', 'SHA-')} ${hex}, pinned is ${sum.hex}: it was cut off or altered`,
      )
    }
  } finally {
    await agent.destroy()
  }
}

function throughProxies(env: NodeJS.ProcessEnv): EnvHttpProxyAgent {
  const { http, https } = proxiesOf(env)
  return new EnvHttpProxyAgent({
    // An empty one is none: left out, it would be looked for in the environment.
    httpProxy: http?.address ?? '',
    httpsProxy: https?.address ?? '',
    connect: { timeout: CONNECT_MS },
    headersTimeout: SILENCE_MS,
    bodyTimeout: SILENCE_MS,
  })
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error & { cause?: Error & { code?: string } }
  return cause?.message || cause?.code || message
}
