import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'

export const secretsFile = (home: string): string => join(home, 'secrets.env')

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
  for (const name of missing) known[name] = randomBytes(18).toString('base64url')
  const text = Object.entries(known).map(([name, value]) => `${name}=${value}\n`)
  const file = secretsFile(home)
  writeFileSync(`${file}.new`, text.join(''), { mode: 0o600 })
  renameSync(`${file}.new`, file)
  return known
}
