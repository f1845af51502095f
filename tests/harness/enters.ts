import pg from 'pg'
import { expect } from 'vitest'

/** Whether PostgreSQL lets a login in with a password; fails where it refuses for another reason. */
export async function enters(login: {
  readonly port: number
  readonly user: string
  readonly database: string
  readonly password: string
}): Promise<boolean> {
  const client = new pg.Client({ host: '127.0.0.1', ...login })
  try {
    await client.connect()
    return true
  } catch (error) {
    expect((error as { code?: string }).code).toBe('28P01')
    return false
  } finally {
    await client.end().catch(() => {})
  }
}
