import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { StackSettings } from './environment.ts'
import { reachable } from './paths.ts'

/** The user the servers run as when `up` runs as root: PostgreSQL and Elasticsearch refuse to be root. */
export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** Folders of one home. */
export interface Places {
  readonly home: string
  /** Short, the same for the same home: for names that can't hold a path. */
  readonly mark: string
  readonly cache: string
  /** The servers' data and generated configuration; below `home` unless their user can't get there. */
  readonly data: string
  /** Elasticsearch's indices: in `data` unless they were given a folder elsewhere. */
  readonly indices: string
  readonly logs: string
  /** The supervisor's pid and socket. */
  readonly supervisor: string
  /** Absent when the servers run as the user who called. */
  readonly account: Account | undefined
}

export function placesOf(settings: Pick<StackSettings, 'home' | 'cache' | 'elasticsearchData'>): Places {
  const account = serversAccount()
  const { home, cache, elasticsearchData } = settings
  const mark = createHash('sha256').update(home).digest('hex').slice(0, 12)
  const data = account && !reachable(home) ? join('/var/lib/tributary', mark) : join(home, 'data')
  return {
    home,
    mark,
    cache,
    data,
    indices: elasticsearchData ? join(elasticsearchData, `tributary-${mark}`) : join(data, 'elasticsearch', 'indices'),
    logs: join(home, 'logs'),
    supervisor: join(home, 'supervisor'),
    account,
  }
}

/** Whom the servers run as, where it isn't the user who calls. */
export function serversAccount(): Account | undefined {
  return process.getuid?.() === 0 ? unprivilegedAccount() : undefined
}

function unprivilegedAccount(): Account {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith('nobody:'))
  const [name, , uid, gid] = line?.split(':') ?? []
  if (!name || !uid || !gid) {
    throw new Error(
      'there is no user "nobody" to run the servers as, and PostgreSQL and Elasticsearch refuse to run as root: run `make up` as a normal user',
    )
  }
  return { name, uid: Number(uid), gid: Number(gid) }
}
