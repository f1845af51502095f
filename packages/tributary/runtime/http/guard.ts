import type { FastifyRequest } from 'fastify'
import { Problem } from './problem.ts'

const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])
const CHANGING: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])

/**
 * Refuses what another site's page could make a browser send here. Everything listens on loopback and asks for no
 * password, so a browser on the same computer is the way in:
 * - Under a name of its own that resolves to 127.0.0.1 (DNS rebinding) a page would be of our origin: the name in
 *   `Host` has to be one of ours.
 * - What a form or a `fetch` without leave (`no-cors`) can send carries no `content-type: application/json`: a request
 *   that changes something has to, even where it has no body. For anything else a browser asks first, and gets no leave.
 * - `Origin` and `Sec-Fetch-Site` say it outright where the browser sends them.
 * @param allowedHosts names beside loopback's under which this server is reached, without a port
 * @throws Problem 403, 415
 */
export function guard(allowedHosts: readonly string[]): (request: FastifyRequest) => void {
  const allowed = new Set(allowedHosts.map((host) => host.toLowerCase()))
  return ({ headers, method }) => {
    const host = (headers.host ?? '').toLowerCase()
    const name = hostName(host)
    if (name === undefined || !(LOOPBACK.has(name) || allowed.has(name))) {
      throw refused('foreign_host', `this server isn't reached as "${host}": ALLOWED_HOSTS lists its names`)
    }
    const { origin } = headers
    if (origin !== undefined && hostOfOrigin(origin) !== host) {
      throw refused('foreign_origin', `a page of ${origin} may not send requests here`)
    }
    if (!CHANGING.has(method)) return
    const site = headers['sec-fetch-site']
    if (site !== undefined && site !== 'same-origin' && site !== 'none') {
      throw refused('foreign_origin', 'a page of another site may not change anything here')
    }
    if (!isJson(headers['content-type'])) {
      throw new Problem(415, {
        code: 'unsupported_media_type',
        detail: `${method} needs the header "content-type: application/json", even without a body`,
      })
    }
  }
}

const refused = (code: string, detail: string) => new Problem(403, { code, detail })

/** Of `Host`, without the port; undefined where it isn't a host at all. */
function hostName(host: string): string | undefined {
  return /^([^\s:/?#@[\]]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/.exec(host)?.[1]
}

function hostOfOrigin(origin: string): string | undefined {
  return /^https?:\/\/([^/]+)$/.exec(origin.toLowerCase())?.[1]
}

/** The media type alone decides; JSON is UTF-8 (RFC 8259, section 8.1). */
function isJson(contentType: string | undefined): boolean {
  return /^application\/json\s*(?:;\s*charset="?utf-?8"?\s*)?$/i.test(contentType ?? '')
}
