import type { FastifyInstance } from 'fastify'
import { Problem } from './problem.ts'

/**
 * Reads bodies as JSON (RFC 8259): valid UTF-8 or refused, also where only an escape makes half a surrogate pair of a
 * text (`"\ud800"`), in names as well as in values. An empty body is none: many clients name the content type even
 * where a command takes no body.
 */
export function readJson(server: FastifyInstance): void {
  const parse = server.getDefaultJsonParser('error', 'error')
  const utf8 = new TextDecoder('utf-8', { fatal: true })
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, bytes, done) => {
    let text: string
    try {
      text = utf8.decode(bytes as Buffer)
    } catch {
      return done(refused('the body is not valid UTF-8'))
    }
    if (text.trim() === '') return done(null, undefined)
    return parse(request, text, (error, value) => {
      if (error) return done(refused(`the body is not JSON: ${error.message}`))
      // Only an escape can have made one.
      if (/\\ud[89a-f]/i.test(text) && !wellFormed(value)) {
        return done(
          refused('the body has half a surrogate pair (\\ud800 to \\udfff): a text must be well-formed Unicode'),
        )
      }
      return done(null, value)
    })
  })
}

const refused = (detail: string) => new Problem(400, { code: 'invalid_json', detail })

/** Without recursion: what is nested half a million times, which fits into a body, would need too much of the stack. */
function wellFormed(value: unknown): boolean {
  const left = [value]
  while (left.length > 0) {
    const part = left.pop()
    if (typeof part === 'string' && !part.isWellFormed()) return false
    if (part === null || typeof part !== 'object') continue
    for (const [name, inner] of Object.entries(part)) {
      if (!name.isWellFormed()) return false
      left.push(inner)
    }
  }
  return true
}
