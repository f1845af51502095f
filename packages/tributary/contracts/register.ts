import { Agent } from 'node:https'
import { type COMPATIBILITY, SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import type avro from 'avsc'
import { fetchAt, type HttpAt, securedHttp, unreachable } from '#runtime/http-at'
import { avroType } from './codec.ts'
import type { Contract } from './contract.ts'
import { lostFields } from './lost-fields.ts'

/** Old readers read new records and new readers read old ones, through every version there was. */
export const COMPATIBILITY_LEVEL = 'FULL_TRANSITIVE'

/** How a contract stands against what is registered. */
export interface SchemaState {
  readonly name: string
  readonly state: 'registered' | 'changed' | 'missing'
  /** Only where `changed`: can a reader of our schema read records of every registered version? */
  readonly newReadersSurvive?: boolean
  /** Only where `changed`: can readers of every registered version read records of our schema? */
  readonly oldReadersSurvive?: boolean
  /** Why not, in the schema resolver's words. */
  readonly faults: readonly string[]
  /** What of older records is read no more though every reader survives. */
  readonly losses: readonly string[]
}

/** A registry that doesn't let a schema in, with what to do. */
export class IncompatibleSchema extends Error {
  override readonly name = 'IncompatibleSchema'
}

/** Compares our contracts with every registered version of their subjects; changes nothing. */
export async function checkSchemas(registry: HttpAt, ours: readonly Contract<unknown>[]): Promise<SchemaState[]> {
  return Promise.all(ours.map((contract) => checkSchema(registry, contract)))
}

async function checkSchema(registry: HttpAt, contract: Contract<unknown>): Promise<SchemaState> {
  const { name } = contract
  const subject = `/subjects/${encodeURIComponent(name)}/versions`
  const versions = await getJson<number[]>(registry, subject)
  if (!versions) return { name, state: 'missing', faults: [], losses: [] }
  const ours = avroType(contract.schema)
  const faults: string[] = []
  const losses: string[] = []
  let newReadersSurvive = true
  let oldReadersSurvive = true
  let latest: avro.Type | undefined
  for (const version of versions) {
    const found = await getJson<{ schema: string }>(registry, `${subject}/${version}`)
    if (!found) continue
    const theirs = avroType(JSON.parse(found.schema))
    latest = theirs
    const asNew = unreadable(ours, theirs)
    if (asNew) faults.push(`new readers can't read version ${version}: ${asNew}`)
    const asOld = unreadable(theirs, ours)
    if (asOld) faults.push(`readers of version ${version} can't read new records: ${asOld}`)
    losses.push(
      ...lostFields(contract.schema, JSON.parse(found.schema)).map((loss) => `of version ${version}: ${loss}`),
    )
    newReadersSurvive &&= !asNew
    oldReadersSurvive &&= !asOld
  }
  const same =
    latest !== undefined &&
    JSON.stringify(latest.schema({ exportAttrs: true })) === JSON.stringify(ours.schema({ exportAttrs: true }))
  return same
    ? { name, state: 'registered', faults: [], losses }
    : { name, state: 'changed', newReadersSurvive, oldReadersSurvive, faults, losses }
}

/**
 * Registers every contract under `FULL_TRANSITIVE`. Safe to run again. Throws `IncompatibleSchema`, naming each
 * schema and fault, before anything is registered.
 */
export async function registerSchemas(registry: HttpAt, ours: readonly Contract<unknown>[]): Promise<SchemaState[]> {
  const before = await checkSchemas(registry, ours)
  const bad = before.filter((s) => s.state === 'changed' && !(s.newReadersSurvive && s.oldReadersSurvive))
  if (bad.length > 0) {
    const faults = bad.map((s) => `${s.name}: ${s.faults.join('; ')}`).join('\n')
    throw new IncompatibleSchema(
      `${faults}\nNothing was registered. Give added fields a default, keep removed ones optional, or make a new event type.`,
    )
  }
  const client = clientOf(registry)
  for (const contract of ours) {
    // The level goes first: register() compares it with what it is told and refuses when they differ.
    await putCompatibility(registry, contract.name)
    await client.register(
      { type: 'AVRO' as never, schema: JSON.stringify(contract.schema) },
      { subject: contract.name, compatibility: COMPATIBILITY_LEVEL as COMPATIBILITY },
    )
  }
  return before
}

function clientOf(at: HttpAt): SchemaRegistry {
  const { url, login, ca } = securedHttp(at)
  return new SchemaRegistry({
    host: url,
    retry: { retries: 5 },
    ...(login && { auth: { ...login } }),
    ...(ca !== undefined && { agent: new Agent({ ca }) }),
  })
}

async function putCompatibility(registry: HttpAt, subject: string): Promise<void> {
  const response = await fetchAt(registry, `/config/${encodeURIComponent(subject)}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ compatibility: COMPATIBILITY_LEVEL }),
  })
  if (!response.ok)
    throw new Error(
      `registry ${securedHttp(registry).url}: setting compatibility of "${subject}" answered ${response.status}: ${await response.text()}`,
    )
}

async function getJson<T>(registry: HttpAt, path: string): Promise<T | undefined> {
  const response = await fetchAt(registry, path).catch((cause) =>
    unreachable('the schema registry', 'REGISTRY_URL', registry, cause),
  )
  if (response.status === 404) return undefined
  if (!response.ok)
    throw new Error(`GET ${securedHttp(registry).url}${path} answered ${response.status}: ${await response.text()}`)
  return (await response.json()) as T
}

/** Why a reader of the one schema can't read a writer of the other, or undefined when it can. */
function unreadable(reader: avro.Type, writer: avro.Type): string | undefined {
  try {
    reader.createResolver(writer)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}
