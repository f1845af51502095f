import type { Knex } from 'knex'
import type { Fault, InboxRecord, RawRecord } from './record.ts'

/** A record that waits, and why. */
export interface ParkedRecord {
  readonly record: InboxRecord
  readonly fault: Fault
}

/** A key that waits, for people to look at. */
export interface ParkedKey {
  readonly topic: string
  readonly key: string
  readonly events: number
  /** What happened to the first of them. */
  readonly reason: string
  readonly message: string
  readonly since: Date
}

/** Which of these keys wait. They stay so until the transaction ends: a replay in progress is awaited. */
export async function lockParkedKeys(
  trx: Knex.Transaction,
  topic: string,
  keys: readonly string[],
): Promise<Set<string>> {
  const { rows } = await trx
    .raw('select key from inbox_parked_keys where topic = ? and key = any (?::text[]) for share', [
      topic,
      keys,
    ] as Knex.RawBinding[])
    .options({ name: 'inbox-parked-keys' })
  return new Set(rows.map((row: { key: string }) => row.key))
}

/** Parks records, and with them their keys. */
export async function park(trx: Knex.Transaction, parked: readonly ParkedRecord[]): Promise<void> {
  for (const { record, fault } of parked) {
    const { raw, key } = record
    await trx.raw('insert into inbox_parked_keys (topic, key) values (?, ?) on conflict do nothing', [raw.topic, key])
    await trx('inbox_parked').insert({
      topic: raw.topic,
      topic_id: raw.topicId ?? '',
      partition: raw.partition,
      offset: String(raw.offset),
      key,
      record_key: raw.key,
      payload: raw.value,
      headers: JSON.stringify(textHeaders(raw)),
      record_timestamp: Math.max(-1, Math.min(Number.MAX_SAFE_INTEGER, raw.timestamp)),
      reason: fault.reason,
      // Postgres takes no NUL in a text, and a message may quote garbage.
      message: fault.message.replaceAll('\0', '\uFFFD'),
    })
  }
}

/** Says anew what is wrong with a record that waits. */
export async function renameFault(db: Knex, raw: RawRecord, reason: string, message: string): Promise<void> {
  await db('inbox_parked')
    .where(placeOf(raw))
    .update({ reason, message: message.replaceAll('\0', '\uFFFD') })
}

const placeOf = ({ topic, topicId = '', partition, offset }: RawRecord) =>
  ({ topic, topic_id: topicId, partition, offset: String(offset) }) as const

/** The first record of every key that waits: the ones that have a letter. */
export async function firstParked(db: Knex): Promise<{ raw: RawRecord; reason: string; message: string }[]> {
  const { rows } = await db.raw(`select distinct on (topic, key) * from inbox_parked order by topic, key, seq`)
  return rows.map((row: ParkedRow & { reason: string; message: string }) => ({
    raw: rawOf(row),
    reason: row.reason,
    message: row.message,
  }))
}

/** The key that a record waits under, by its place in the topic of that name that is the newest; undefined when it doesn't wait. */
export async function keyAt(db: Knex, topic: string, partition: number, offset: number): Promise<string | undefined> {
  return (await db('inbox_parked').where({ topic, partition, offset }).orderBy('seq', 'desc').first('key'))?.key
}

/** The keys that wait, longest first. */
export async function parkedKeys(db: Knex): Promise<ParkedKey[]> {
  const { rows } = await db.raw(
    `select k.topic, k.key, k.parked_at as since, count(*) over (partition by p.topic, p.key) as events, p.reason, p.message,
            row_number() over (partition by p.topic, p.key order by p.seq) as place
     from inbox_parked_keys k join inbox_parked p using (topic, key) order by k.parked_at, k.topic, k.key, p.seq`,
  )
  return rows.filter((row: { place: number }) => row.place === 1)
}

/** The first record that waits for its key, the key locked; undefined when none does. */
export async function lockFirstParked(
  trx: Knex.Transaction,
  topic: string,
  key: string,
): Promise<RawRecord | undefined> {
  const { rows: keys } = await trx.raw('select 1 from inbox_parked_keys where topic = ? and key = ? for update', [
    topic,
    key,
  ])
  if (keys.length === 0) return undefined
  const row = await trx('inbox_parked').where({ topic, key }).orderBy('seq').first()
  return row && rawOf(row)
}

interface ParkedRow {
  readonly topic: string
  readonly topic_id: string
  readonly partition: number
  /** A text where the client reads bigint as `pg` does by itself. */
  readonly offset: number | string
  readonly record_timestamp: number | string
  readonly record_key: Buffer | null
  readonly payload: Buffer | null
  readonly headers: RawRecord['headers']
}

function rawOf(row: ParkedRow): RawRecord {
  return {
    topic: row.topic,
    ...(row.topic_id && { topicId: row.topic_id }),
    partition: row.partition,
    offset: BigInt(row.offset),
    timestamp: Number(row.record_timestamp),
    key: row.record_key,
    value: row.payload,
    headers: row.headers,
  }
}

/** Takes a record out of its waiting line; the last one frees the key. Gives how many still wait. */
export async function unpark(trx: Knex.Transaction, raw: RawRecord, key: string): Promise<number> {
  await trx('inbox_parked').where(placeOf(raw)).delete()
  const [left] = await trx('inbox_parked').where({ topic: raw.topic, key }).count('* as count')
  const count = Number(left?.count ?? 0)
  if (count === 0) await trx('inbox_parked_keys').where({ topic: raw.topic, key }).delete()
  return count
}

function textHeaders(raw: RawRecord): Record<string, string> {
  const text = (value: unknown) => String(Array.isArray(value) ? value[0] : value).replaceAll('\0', '\uFFFD')
  return Object.fromEntries(
    Object.entries(raw.headers).flatMap(([name, value]) =>
      value === undefined || value === null ? [] : [[text(name), text(value)]],
    ),
  )
}
