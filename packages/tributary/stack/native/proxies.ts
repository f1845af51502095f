/** A proxy that the environment names. */
export interface HttpProxy {
  /** With its scheme, and user and password as they were given: not for anybody's eyes. */
  readonly address: string
  readonly host: string
  readonly port: string
  readonly user: string
  readonly password: string
}

/** Which proxies the environment names for addresses of `http:` and `https:`. */
export interface Proxies {
  readonly http: HttpProxy | undefined
  readonly https: HttpProxy | undefined
  /** What is reached without one, in the words of NO_PROXY. */
  readonly direct: readonly string[]
}

/** The first that is set counts. */
const all = ['all_proxy', 'ALL_PROXY']
const http = ['http_proxy', 'HTTP_PROXY', ...all]
const https = ['https_proxy', 'HTTPS_PROXY', ...http]

/**
 * The proxies of the environment, as everything takes them that downloads something.
 * @throws Error naming the variable that can't be used, what is wrong with it and what to write; never what is in it
 */
export function proxiesOf(env: Readonly<Record<string, string | undefined>>): Proxies {
  const direct = (env.no_proxy || env.NO_PROXY || '').split(/[\s,]+/).filter((word) => word !== '')
  if (direct.includes('*')) return { http: undefined, https: undefined, direct }
  const first = (variables: readonly string[]) => {
    const variable = variables.find((name) => env[name])
    return variable === undefined ? undefined : proxyOf(variable, env[variable]!.trim())
  }
  return { http: first(http), https: first(https), direct }
}

const LIKE =
  'write it like http://proxy.example:3128 or http://user:password@proxy.example:3128, in user and password % as %25, ' +
  '@ as %40, # as %23 and / as %2F'

function proxyOf(variable: string, value: string): HttpProxy {
  const scheme = /^([^:/?#@]*):\/\//.exec(value)?.[1]?.toLowerCase()
  if (scheme?.startsWith('socks')) {
    throw new Error(
      `${variable} names a SOCKS proxy, which downloads can't go through: name an HTTP proxy in HTTP_PROXY and ` +
        'HTTPS_PROXY, which come before ALL_PROXY, or set NO_PROXY=* to go without one',
    )
  }
  // As curl and others have it: without a scheme it is an HTTP proxy.
  const address = scheme === undefined ? `http://${value}` : value
  const url = URL.parse(address)
  if (!url?.hostname || !['http:', 'https:'].includes(url.protocol)) {
    throw new Error(`${variable} is not the address of an HTTP proxy: ${LIKE}`)
  }
  const { hostname: host, port, protocol } = url
  const decoded = (part: string) => {
    try {
      return decodeURIComponent(part)
    } catch {
      throw new Error(`the user or the password in ${variable} is not percent-encoded: ${LIKE}`)
    }
  }
  return {
    address,
    host,
    port: port || (protocol === 'https:' ? '443' : '80'),
    user: decoded(url.username),
    password: decoded(url.password),
  }
}
