import type { OrderRow } from '#schemas/contracts.generated.ts'
import { OrderRows, Orders, Payments } from '#schemas/topics.ts'
import { openCodec } from '../packages/tributary/contracts/codec.ts'
import kafkajs from '../packages/tributary/runtime/kafkajs.ts'
import { contracts } from '../tests/harness/marketplace.ts'
import type { StackUrls } from './running-stack.ts'
import { type Step, shows } from './workload.ts'

/**
 * Reads the topics of the orders read model beside everybody else and notes when each expected change went by.
 * @param onRow told when a change is first in an order's row, with that row's offset
 */
export async function observeTopics(urls: StackUrls, onRow: (step: Step, offset: number) => void) {
  const codec = await openCodec({ contracts, registry: urls.registry })
  await codec.prepare([OrderRows.row])
  const events = new Map<string, number>()
  const rows = new Map<string, number>()
  const byOrder = new Map<string, Set<Step>>()

  const kafka = new kafkajs.Kafka({ clientId: 'bench', brokers: [urls.kafka], logLevel: kafkajs.logLevel.ERROR })
  const consumer = kafka.consumer({
    groupId: `bench-${process.pid}-${Date.now()}`,
    // One fetch for whatever came in that time: the resolution, and a bound on the load of measuring.
    minBytes: 1_000_000,
    maxWaitTimeInMs: 25,
    readUncommitted: false,
  })
  await consumer.connect()
  await consumer.subscribe({ topics: [Orders.name, Payments.name, OrderRows.name], fromBeginning: false })
  const joined = new Promise<void>((resolve) => consumer.on(consumer.events.GROUP_JOIN, () => resolve()))
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ topic, message }) => {
      const now = performance.now()
      const key = message.key?.toString() ?? ''
      if (topic === OrderRows.name) {
        if (!message.value || !byOrder.has(key)) return
        const row = codec.decode(message.value).value as OrderRow
        for (const step of byOrder.get(key)!) {
          if (rows.has(step.key) || !shows(step, row)) continue
          rows.set(step.key, now)
          onRow(step, Number(message.offset))
        }
        return
      }
      const type = message.headers?.ce_type?.toString() ?? ''
      const kind = type.endsWith('.OrderPlaced') ? 'placed' : type.endsWith('.OrderApproved') ? 'approved' : 'paid'
      const orderId = topic === Payments.name ? key.split('/')[0]! : key
      const step = [...(byOrder.get(orderId) ?? [])].find((s) => s.kind === kind)
      if (step && !events.has(step.key)) events.set(step.key, now)
    },
  })
  await joined

  return {
    events,
    rows,
    expect(step: Step): void {
      const steps = byOrder.get(step.orderId) ?? new Set<Step>()
      byOrder.set(step.orderId, steps.add(step))
    },
    close: () => consumer.disconnect(),
  }
}
