import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { postgresOptions } from '#database/connect'
import { scramVerifier } from '#runtime/scram'
import { BEFORE } from './secrets.ts'

/** https://www.postgresql.org/docs/18/errcodes-appendix.html */
const WRONG_PASSWORD = '28P01'
const PATIENCE_MS = 60_000

/**
 * Sees to it that the stack's own superuser has the password of the secrets: during a rotation the server may have the one
 * before. Waits for the server to answer; whatever else is wrong with it is left to whoever asks it next.
 */
export async function settleSuperuser(port: number, secrets: Readonly<Record<string, string>>): Promise<void> {
  const { POSTGRES_PASSWORD: password = '', [BEFORE]: before } = secrets
  if (!before || before === password) return
  const deadline = Date.now() + PATIENCE_MS
  while (Date.now() < deadline) {
    const code = await asSuperuser(port, password)
    if (code === undefined) return
    if (code === WRONG_PASSWORD) {
      await asSuperuser(port, before, `alter role postgres password '${scramVerifier(password)}'`)
      return
    }
    await sleep(200)
  }
}

/** Enters, and does something there; gives the code of what was wrong. */
async function asSuperuser(port: number, password: string, statement = 'select 1'): Promise<string | undefined> {
  const login = { host: '127.0.0.1', port, user: 'postgres', password, database: 'postgres' }
  const client = new pg.Client({ ...postgresOptions(login), connectionTimeoutMillis: 5_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query(statement)
    return undefined
  } catch (error) {
    return (error as { code?: string }).code ?? 'unknown'
  } finally {
    await client.end().catch(() => {})
  }
}
