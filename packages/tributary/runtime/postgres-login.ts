import { scramVerifier, verifies } from './scram.ts'

/** What a login of ours says of itself, so that nobody else's of the same name is taken for it. */
const MARK = 'tributary'

/** What the server has of a login: asked with `LOGIN_QUESTION`; undefined where there is none. */
export interface FoundLogin {
  readonly verifier: string | null
  readonly mark: string | null
}

/** Followed by the login's name, as a parameter. */
export const LOGIN_QUESTION = `select rolpassword as verifier, shobj_description(oid, 'pg_authid') as mark from pg_authid where rolname =`

/**
 * The statements that make a login of ours, or set its rights and password again. No password is in one, and so in no
 * server's log: PostgreSQL is given what it keeps of it.
 * @param login a plain name, that needs no quotes
 * Throws when somebody else has a login of that name.
 */
export function loginStatements(
  login: string,
  password: string,
  found: FoundLogin | undefined,
  replication: 'replication' | 'noreplication' = 'noreplication',
): string[] {
  const known = found !== undefined && verifies(found.verifier, password)
  if (found && found.mark !== MARK && !known) {
    throw new Error(
      `the login "${login}" on this server isn't ours, or has another password than secrets.env says: rename it, or, ` +
        `should it be ours, have a superuser run: comment on role ${login} is '${MARK}'`,
    )
  }
  const rights = `login nosuperuser nocreatedb nocreaterole ${replication}`
  const secret = known ? '' : ` password '${scramVerifier(password)}'`
  const marked = found?.mark === MARK ? [] : [`comment on role ${login} is '${MARK}'`]
  return [`${found ? 'alter' : 'create'} role ${login} ${rights}${secret}`, ...marked]
}
