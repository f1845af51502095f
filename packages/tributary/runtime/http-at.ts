import { Agent, fetch as fetchWith } from 'undici'

/** A server that speaks HTTP and asks for a login, or has a certificate of a CA of its own. */
export interface SecuredHttp {
  /** Without a slash at its end, and without a login in it. */
  readonly url: string
  readonly login: { readonly username: string; readonly password: string } | undefined
  /** The certificates (PEM) that are trusted in place of the ones that Node brings. */
  readonly ca: string | undefined
}

/** Where such a server is and how it is entered; a URL alone: without a login. */
export type HttpAt = string | SecuredHttp

type HttpConfig<Prefix extends string> = { readonly [Name in `${Prefix}_URL`]: string } & {
  readonly [Name in `${Prefix}_${'USERNAME' | 'PASSWORD' | 'CA_FILE'}`]?: string | undefined
}

/** The server that a prefix's settings name: `<PREFIX>_URL`, `_USERNAME`, `_PASSWORD`, `_CA_FILE`. */
export function httpAt<Prefix extends string>(prefix: Prefix, config: HttpConfig<Prefix>): HttpAt {
  const given = config as Readonly<Record<string, string | undefined>>
  const [username, password, ca] = ['USERNAME', 'PASSWORD', 'CA_FILE'].map((name) => given[`${prefix}_${name}`])
  const url = given[`${prefix}_URL`]!
  const login = username && password ? { username, password } : undefined
  return login || ca ? { url, login, ca } : url
}

/** The same, whatever was given. */
export function securedHttp(at: HttpAt): SecuredHttp {
  return typeof at === 'string' ? { url: at, login: undefined, ca: undefined } : at
}

/** One for each CA: connections are kept. */
const agents = new Map<string, Agent>()

/**
 * Throws, for a request that `fetch` rejected, an error that names the server and its setting.
 * @param what `Kafka Connect`
 * @param setting `CONNECT_URL`
 */
export function unreachable(what: string, setting: string, at: HttpAt, cause: unknown): never {
  const { url } = securedHttp(at)
  throw new Error(`${what} at ${url} (${setting}) can't be reached: is it running? \`npx --no tributary status\``, {
    cause,
  })
}

/** `fetch` of a path of a server, with its login and CA. Rejects as `fetch` does. */
export async function fetchAt(at: HttpAt, path: string, init: RequestInit = {}): Promise<Response> {
  const { url, login, ca } = securedHttp(at)
  if (!login && ca === undefined) return fetch(`${url}${path}`, init)
  const headers = new Headers(init.headers)
  if (login) {
    const { username, password } = login
    headers.set('authorization', `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`)
  }
  if (ca === undefined) return fetch(`${url}${path}`, { ...init, headers })
  const dispatcher = agents.get(ca) ?? new Agent({ connect: { ca } })
  agents.set(ca, dispatcher)
  const options = { ...init, headers: Object.fromEntries(headers), dispatcher } as Parameters<typeof fetchWith>[1]
  return (await fetchWith(`${url}${path}`, options)) as unknown as Response
}
