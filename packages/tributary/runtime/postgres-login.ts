import { scramVerifier, verifies } from './scram.ts'

/** What a login of ours says of itself, so that nobody else's of the same name is taken for it. */
const MARK = 'tributary'

/** What whoever sets up may do on a server: asked with `RIGHTS_QUESTION`. */
export interface SetUpRights {
  readonly name: string
  readonly superuser: boolean
  /** Whether it may make logins, and change those it made (CREATEROLE). */
  readonly makesLogins: boolean
  /** Whether it may make slots: PostgreSQL lets it give others no more than it has. */
  readonly replicates: boolean
  /** The role that lets its members replicate, on servers where no attribute does (RDS). */
  readonly replicationRole: string | null
}

const RDS = `(select oid from pg_roles where rolname = 'rds_replication')`

export const RIGHTS_QUESTION = `
  select rolname as name, rolsuper as superuser, rolcreaterole as "makesLogins",
         (select rolname from pg_roles where oid = ${RDS}) as "replicationRole",
         rolsuper or rolreplication or coalesce(pg_has_role(oid, ${RDS}, 'MEMBER'), false) as replicates
  from pg_roles where rolname = current_user`

/** What the server has of a login: asked with `loginQuestion`; undefined where there is none. */
export interface FoundLogin {
  /** Shown to superusers alone. */
  readonly verifier: string | null
  readonly mark: string | null
  /** Whether whoever sets up may change it. */
  readonly changeable: boolean
  readonly replicates: boolean
  /** Whether it may do more on the server than a login of ours has to. */
  readonly mighty: boolean
}

/** Followed by the login's name, as a parameter. */
export const loginQuestion = ({ superuser }: SetUpRights): string => `
  select ${superuser ? 'rolpassword' : 'null'} as verifier, shobj_description(oid, 'pg_authid') as mark,
         pg_has_role(oid, 'MEMBER WITH ADMIN OPTION') as changeable,
         rolreplication or coalesce(pg_has_role(oid, ${RDS}, 'MEMBER'), false) as replicates,
         rolsuper or rolcreatedb or rolcreaterole or rolbypassrls as mighty
  from ${superuser ? 'pg_authid' : 'pg_roles'} where rolname =`

/**
 * The statements that make a login of ours, or set its rights and password again: to be run in one transaction. No password
 * is in one, and so in no server's log: PostgreSQL is given what it keeps of it. None where somebody else made it for us.
 * @param login a plain name, that needs no quotes
 * Throws when somebody else has a login of that name, and when it would have to be made or changed and mayn't be.
 */
export function loginStatements(
  login: string,
  password: string,
  found: FoundLogin | undefined,
  rights: SetUpRights,
  replication: 'replication' | 'noreplication' = 'noreplication',
): string[] {
  const known = found !== undefined && verifies(found.verifier, password)
  if (found && found.mark !== MARK && !known) {
    throw new Error(
      `the login "${login}" on this server isn't ours, or has another password than secrets.env says: rename it, or, ` +
        `should it be ours, have a superuser run: comment on role ${login} is '${MARK}'`,
    )
  }
  const marked = found?.mark === MARK ? [] : [markOf(login)]
  const verb = found ? 'alter' : 'create'
  if (rights.superuser) {
    const attributes = `login nosuperuser nocreatedb nocreaterole ${replication}`
    const secret = known ? '' : ` password '${scramVerifier(password)}'`
    return [`${verb} role ${login} ${attributes}${secret}`, ...marked]
  }
  const replicates = replication === 'replication'
  if (found && !found.changeable) {
    refuseUnfit(login, found, replicates)
    return []
  }
  if (!found && !rights.makesLogins) {
    throw new Error(`the login "${login}" is missing, and "${rights.name}", which sets up, may make none: ${BY_HAND}`)
  }
  // Whoever isn't a superuser may not even say that another one isn't.
  const attribute = replicates && !rights.replicationRole ? ' replication' : ''
  return [
    `${verb} role ${login} login${attribute} password '${scramVerifier(password)}'`,
    ...(replicates && rights.replicationRole ? [`grant ${rights.replicationRole} to ${login}`] : []),
    ...marked,
  ]
}

export const BY_HAND = 'have a superuser run what `npx --no tributary migrate --sql` prints'

/** The statement that marks a login as ours. */
export const markOf = (login: string): string => `comment on role ${login} is '${MARK}'`

function refuseUnfit(login: string, { replicates, mighty }: FoundLogin, mustReplicate: boolean): void {
  const not = (what: string, remedy: string) =>
    new Error(`the login "${login}" ${what}: have a superuser run: alter role ${login} ${remedy}`)
  if (mighty) throw not('may do more than it has to', 'nosuperuser nocreatedb nocreaterole nobypassrls')
  if (mustReplicate && !replicates) throw not("mayn't replicate", 'replication')
  if (!mustReplicate && replicates) throw not('may replicate, and has no need to', 'noreplication')
}
