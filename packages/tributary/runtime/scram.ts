import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto'

/** What PostgreSQL takes by default. */
const ITERATIONS = 4_096

/**
 * What PostgreSQL keeps of a password (RFC 5803: `SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>`). Given in
 * place of the password it is kept as it stands, so that the password itself is in no statement and no server's log.
 */
export function scramVerifier(password: string, salt = randomBytes(16), iterations = ITERATIONS): string {
  // RFC 4013 asks for this form; ASCII stays as it is.
  const salted = pbkdf2Sync(password.normalize('NFKC'), salt, iterations, 32, 'sha256')
  const keyed = (text: string) => createHmac('sha256', salted).update(text).digest()
  const storedKey = createHash('sha256').update(keyed('Client Key')).digest('base64')
  const serverKey = keyed('Server Key').toString('base64')
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${serverKey}`
}

/** Whether a verifier is the one of this password. */
export function verifies(verifier: string | null, password: string): boolean {
  const [, iterations, salt] = /^SCRAM-SHA-256\$(\d+):([^$]+)\$/.exec(verifier ?? '') ?? []
  if (!verifier || !salt) return false
  const own = Buffer.from(scramVerifier(password, Buffer.from(salt, 'base64'), Number(iterations)))
  const given = Buffer.from(verifier)
  return own.length === given.length && timingSafeEqual(own, given)
}
