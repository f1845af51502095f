import type { Client, estypes } from '@elastic/elasticsearch'

/** What can be chosen of each filter: the most frequent ones, in the order of their code points. */
export interface Choices {
  readonly status: readonly string[]
  readonly state: readonly string[]
  readonly category: readonly string[]
}

/** What the orders and sales have of each. An index that can't be asked leaves its filters without choices. */
export async function readChoices(client: Client): Promise<Choices> {
  const terms = (field: string, size: number) => ({ terms: { field, size } })
  const { responses } = await client.msearch({
    searches: [
      { index: 'orders' },
      { size: 0, timeout: '2s', aggs: { status: terms('status', 20) } },
      { index: 'sales' },
      { size: 0, timeout: '2s', aggs: { state: terms('state', 100), category: terms('category', 500) } },
    ],
  })
  const keys = (at: number, name: string) => {
    const { aggregations } = responses[at] as estypes.SearchResponse
    const found = aggregations?.[name] as { readonly buckets: readonly { readonly key: string }[] } | undefined
    return (found?.buckets ?? []).map(({ key }) => key).sort(byCodePoint)
  }
  return { status: keys(0, 'status'), state: keys(1, 'state'), category: keys(1, 'category') }
}

function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
