import type { Client } from '@elastic/elasticsearch'
import type { KafkaMessage } from 'kafkajs'
import { expect, test } from 'vitest'
import { memoryCodec } from '#contracts/codec'
import { openLog } from '#runtime/log'
import { Registry } from '#runtime/metrics'
import { waitUntil } from '#testing/wait-until'
import { OrderRows } from '../../../schemas/topics.ts'
import { orders } from '../../../sinks/read-models/index.ts'
import { sampleRows } from '../../../sinks/testing/sample.ts'
import { contracts } from '../../../tests/harness/marketplace.ts'
import { Places } from './gate.ts'
import { openLane } from './lane.ts'
import type { Letters } from './letters.ts'
import { sinkMetrics } from './metrics.ts'

const codec = memoryCodec(contracts)
await codec.prepare(contracts)
const [row] = sampleRows(1).orders
const good = codec.encode(OrderRows.row, row!)

const message = (offset: number, value: Buffer): KafkaMessage =>
  ({ key: Buffer.from(row!.orderId), value, offset: String(offset), timestamp: '0', headers: {} }) as never

/** A lane into a server that answers at once, whose letters are stored when the test says so. */
function lane(refuses: (version: number) => boolean = () => false) {
  const storing: (() => void)[] = []
  const open: number[] = []
  const closed: number[] = []
  const written: number[] = []
  const letters: Pick<Letters, 'setAside' | 'anyOf' | 'applied'> = {
    async setAside(records) {
      await new Promise<void>((resolve) => storing.push(resolve))
      open.push(...records.map(({ message }) => Number(message.offset)))
    },
    anyOf: () => open.length > 0,
    async applied(_topic, _partition, messages) {
      const newest = Math.max(...messages.map(({ offset }) => Number(offset)))
      closed.push(...open.filter((offset) => offset <= newest))
    },
  }
  const client = {
    async bulk({ operations }: { operations: string[] }) {
      const versions = operations.filter((_, i) => i % 2 === 0).map((line) => JSON.parse(line).index.version % 2 ** 40)
      written.push(...versions)
      const refused = { status: 400, error: { type: 'document_parsing_exception', reason: 'no' } }
      return { items: versions.map((version) => ({ index: refuses(version) ? refused : { status: 200 } })) }
    },
  }
  const opened = openLane(
    orders,
    { generation: 1, index: 'orders-1', writeAlias: 'orders-1.write', topicId: 'id' } as never,
    {
      client: client as unknown as Client,
      codec,
      letters: letters as Letters,
      places: new Places(),
      metrics: sinkMetrics(new Registry()),
      log: openLog('test', 'silent'),
      signal: new AbortController().signal,
      troubled: () => {},
      onFailed: (error) => expect.unreachable(String(error)),
    },
  )
  return { take: opened.take, storing, closed, written }
}

test('a letter that is stored only after a later record of its key is written is closed by that record', async () => {
  const { take, storing, closed, written } = lane()
  const first = take(0, [message(5, Buffer.from('garbage'))])
  await waitUntil('the letter is on its way', () => storing.length === 1)
  const second = take(0, [message(6, good)])
  await waitUntil('the later record is written', () => written.includes(6))
  storing[0]!()
  await Promise.all([first, second])
  expect(closed).toEqual([5])
})

test('so is that of a record that Elasticsearch refused', async () => {
  const { take, storing, closed } = lane((version) => version === 5)
  const both = [take(0, [message(5, good)]), take(0, [message(6, good)])]
  await waitUntil('the letter is on its way', () => storing.length === 1)
  storing[0]!()
  await Promise.all(both)
  expect(closed).toEqual([5])
})

test('a letter holds up no other partition', async () => {
  const { take, storing, closed } = lane()
  const first = take(0, [message(5, Buffer.from('garbage'))])
  await waitUntil('the letter is on its way', () => storing.length === 1)
  await take(1, [message(6, good)])
  storing[0]!()
  await first
  expect(closed).toEqual([])
})
