import type { Client, estypes } from '@elastic/elasticsearch'
import { fieldAt } from './fields.ts'
import type { Scope } from './filters.ts'
import type { Filter } from './report.ts'

/** What can be chosen of each filter, by its name. */
export type Choices = Readonly<Record<string, readonly string[]>>

type ChoiceFilter = Extract<Filter, { kind: 'choice' }>
interface Bucket {
  readonly key: string | number
  readonly key_as_string?: string
}

/**
 * What a report's filters offer: the values they are declared with, or the most frequent ones of their field, in order.
 * An index that can't be asked leaves its filters without choices.
 */
export async function readChoices(client: Client, scope: Scope): Promise<Choices> {
  const filters = scope.filters.filter((filter) => filter.kind === 'choice')
  const looked = filters.flatMap((filter) => lookUp(scope, filter) ?? [])
  const found = new Map<string, readonly string[]>()
  if (looked.length > 0) {
    const { responses } = await client.msearch({
      searches: looked.flatMap(({ index, aggs }) => [{ index }, { size: 0, timeout: '2s', aggs }]),
    })
    for (const [at, { name }] of looked.entries()) found.set(name, keysOf(responses[at] as estypes.SearchResponse))
  }
  return Object.fromEntries(
    filters.map(({ name, choices }) => [name, 'of' in choices ? (found.get(name) ?? []) : choices]),
  )
}

function lookUp({ readModels }: Scope, { name, fields, choices }: ChoiceFilter) {
  if (!('of' in choices)) return undefined
  const at = fields[choices.of]!
  const field = typeof at === 'string' ? at : at.field
  const nested = fieldAt(readModels.get(choices.of)!, field)?.nested
  const values = { values: { terms: { field, size: choices.most } } }
  const aggs = nested === undefined ? values : { nested: { nested: { path: nested }, aggs: values } }
  return { name, index: choices.of, aggs }
}

function keysOf({ aggregations = {} }: estypes.SearchResponse): readonly string[] {
  const { nested, values } = aggregations as {
    readonly nested?: { readonly values: unknown }
    readonly values: unknown
  }
  const { buckets = [] } = ((nested?.values ?? values) as { readonly buckets?: readonly Bucket[] } | undefined) ?? {}
  return [...buckets].sort(inOrder).map(({ key, key_as_string }) => key_as_string ?? String(key))
}

/** Numbers by their value, texts by their code points. */
function inOrder({ key: a }: Bucket, { key: b }: Bucket): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b)))
}
