import type { Catalogue } from './catalogue.ts'
import type { CatalogueRecord } from './record.ts'

/** The AsyncAPI 3 document of a system (https://www.asyncapi.com/docs/reference/specification/v3.0.0), as JSON. */
export function asyncApiOf({ title, services, topologies, readModels }: Catalogue): object {
  const topics = [
    ...services.map(({ topic, partitions, events }) => ({ topic, partitions, records: events, headers: true })),
    ...readModels.map(({ topic, partitions, row }) => ({ topic, partitions, records: [row], headers: false })),
  ]
  const records = topics.flatMap((one) => one.records.map((record) => [record.subject, messageOf(record, one.headers)]))
  return {
    asyncapi: '3.0.0',
    info: { title, version: '1', description: 'What services publish, who reads it, and what is made of it.' },
    defaultContentType: 'application/avro',
    channels: Object.fromEntries(
      topics.map(({ topic, partitions, records }) => [
        topic,
        {
          address: topic,
          messages: Object.fromEntries(
            records.map(({ name, subject }) => [name, { $ref: `#/components/messages/${subject}` }]),
          ),
          bindings: { kafka: { topic, partitions, bindingVersion: '0.5.0' } },
        },
      ]),
    ),
    operations: Object.fromEntries([
      ...services.flatMap(({ name, topic, subscribesTo }) => [
        operation(name, 'send', topic, `The service ${name} publishes its events.`),
        ...subscribesTo.map((other) => operation(name, 'receive', other, `The service ${name} subscribes.`)),
      ]),
      ...topologies.flatMap(({ name, reads, writes }) => [
        ...reads.map((topic) => operation(`topology-${name}`, 'receive', topic, `The topology ${name} reads it.`)),
        ...writes.map((topic) => operation(`topology-${name}`, 'send', topic, `The topology ${name} writes rows.`)),
      ]),
      ...readModels.map(({ name, topic }) =>
        operation('sink', 'receive', topic, `The sink keeps the read model ${name} of it.`),
      ),
    ]),
    components: { messages: Object.fromEntries(records), ...(services.length > 0 && { messageTraits }) },
  }
}

function operation(who: string, action: 'send' | 'receive', topic: string, summary: string) {
  return [`${who}-${action}-${topic}`, { action, channel: { $ref: `#/channels/${topic}` }, summary }] as const
}

const messageOf = ({ name, doc, schema, example }: CatalogueRecord, isEvent: boolean) => ({
  name,
  ...(doc !== undefined && { summary: doc }),
  contentType: 'application/avro',
  payload: { schemaFormat: 'application/vnd.apache.avro;version=1.9.0', schema },
  bindings: { kafka: { key: { type: 'string' }, schemaIdLocation: 'payload', bindingVersion: '0.5.0' } },
  examples: [{ payload: example }],
  ...(isEvent && { traits: [{ $ref: '#/components/messageTraits/cloudEvent' }] }),
})

/** What stands in an event's headers: CloudEvents, binary mode. */
const messageTraits = {
  cloudEvent: {
    headers: {
      type: 'object',
      properties: Object.fromEntries(
        ['ce_id', 'ce_type', 'ce_source', 'ce_specversion', 'ce_time', 'traceparent'].map((name) => [
          name,
          { type: 'string' },
        ]),
      ),
    },
  },
}
