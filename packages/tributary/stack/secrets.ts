import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'

export const secretsFile = (home: string): string => join(home, 'secrets.env')

/**
 * Stands among the secrets while new ones are on their way to the servers: what PostgreSQL's superuser had before. Which of
 * both the server takes is known when one was tried.
 */
export const BEFORE = 'POSTGRES_PASSWORD_BEFORE'

/** The secrets of this home by name; none before the first `up`. */
export function readSecrets(home: string): Record<string, string> {
  const file = secretsFile(home)
  if (!existsSync(file)) return {}
  try {
    return parseEnv(readFileSync(file, 'utf8')) as Record<string, string>
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return {}
    throw error
  }
}

/** Adds those of the secrets that are missing (a newer version may know more of them) and gives all there are. */
export function ensureSecrets(home: string, secretNames: readonly string[]): Record<string, string> {
  const known = readSecrets(home)
  const missing = secretNames.filter((name) => !known[name])
  if (missing.length === 0) return known
  const all = { ...known, ...fresh(missing) }
  writeSecrets(home, all)
  return all
}

/**
 * Begins a rotation: new secrets stand in the file, in one step, and wait to be brought to the servers. Where an earlier one
 * was not ended its secrets stay, since some servers may have them: gives false then.
 */
export function beginRotation(home: string, names: readonly string[]): boolean {
  const known = readSecrets(home)
  if (known[BEFORE] !== undefined) return false
  writeSecrets(home, { ...known, ...fresh(names), [BEFORE]: known.POSTGRES_PASSWORD ?? '' })
  return true
}

/** Ends it: every server has the new ones. */
export function endRotation(home: string): void {
  const { [BEFORE]: before, ...known } = readSecrets(home)
  if (before !== undefined) writeSecrets(home, known)
}

const fresh = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, randomBytes(18).toString('base64url')]))

function writeSecrets(home: string, secrets: Readonly<Record<string, string>>): void {
  const text = Object.entries(secrets).map(([name, value]) => `${name}=${value}\n`)
  const file = secretsFile(home)
  writeFileSync(`${file}.new`, text.join(''), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}
