import type { Client } from '@elastic/elasticsearch'
import { compileDocument, type Document } from '../../packages/tributary/read-models/document.ts'
import type { ReadModel } from '../../packages/tributary/read-models/read-model.ts'
import { createGeneration, generationsOf, serve } from '../../packages/tributary/sink/generations.ts'
import { readModels } from '../read-models/index.ts'
import type { Sample } from './sample.ts'

/** Fills a new index of each read model with a sample and lets readers see it, as the sink would have. */
export async function writeSample(client: Client, sample: Sample): Promise<void> {
  for (const model of readModels) {
    const toDocument = compileDocument(model.topic.row.schema)
    const documents = sample[model.name as keyof Sample].map(
      (row) => [model.topic.key(row as never), toDocument(row)] as const,
    )
    await writeDocuments(client, model, new Map(documents))
  }
}

/** Fills a new index of a read model with documents, by `_id`, and lets readers see it. */
export async function writeDocuments(
  client: Client,
  model: ReadModel,
  documents: ReadonlyMap<string, Document>,
): Promise<void> {
  const [newest] = await generationsOf(client, model.name)
  const generation = await createGeneration(client, model, 'a sample', (newest?.generation ?? 0) + 1)
  const all = [...documents]
  for (let from = 0; from < all.length; from += 1_000) {
    const operations = all.slice(from, from + 1_000).flatMap(([_id, document]) => [{ index: { _id } }, document])
    const answer = await client.bulk({ index: generation.writeAlias, operations })
    if (answer.errors) throw new Error(`${model.name} refuses a sample: ${JSON.stringify(answer.items)}`)
  }
  await client.indices.refresh({ index: generation.index })
  await serve(client, generation)
}
