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

function wellFormed(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  if (value === null || typeof value !== 'object') return true
  return Object.entries(value).every(([name, part]) => name.isWellFormed() && wellFormed(part))
}
