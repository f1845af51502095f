import { expect, test } from 'vitest'
import { inputsOf, type Node } from '#engine/plan/nodes.ts'
import { plan } from '#engine/plan/plan.ts'
import { customersTopology } from '#processors/customers/topology.ts'
import { ordersTopology } from '#processors/orders/topology.ts'
import { salesTopology } from '#processors/sales/topology.ts'
import { sellersTopology } from '#processors/sellers/topology.ts'
import { loadService } from '#producers/services.ts'
import { inboxApp, services } from '#schemas/topics.ts'
import { stages, subscriptions } from './stages.ts'

const topologies = [ordersTopology, salesTopology, customersTopology, sellersTopology]

test.each(stages)('$readModel is followed through the topics its topology reads and writes', (stage) => {
  const planned = plan(topologies.find(({ name }) => name === stage.readModel)!)
  expect([...stage.inputs].sort()).toEqual(planned.sources.map(({ topic }) => topic.name).sort())
  expect([stage.output]).toEqual(planned.sinks.map(({ topic }) => topic.name))
})

test.each(stages)('$readModel is followed for as many hops as a change can take', (stage) => {
  const { nodes } = plan(topologies.find(({ name }) => name === stage.readModel)!)
  const hops = new Map<Node, number>()
  for (const node of nodes) {
    const far = inputsOf(node).map((input) => hops.get(input)! + crossings(node, input))
    hops.set(node, Math.max(0, ...far))
  }
  expect(stage.hops).toBe(Math.max(...hops.values()))
})

/** A foreign key is asked for in its own partition and answered in the asker's; a change on the other side is told. */
function crossings(reader: Node, input: Node): number {
  if (reader.kind === 'summarise') return reader.colocated ? 0 : 1
  if (reader.kind === 'foreignJoin') return reader.right === input ? 1 : 2
  return 0
}

test('subscriptions are those of the services', async () => {
  const found = new Map<string, string[]>()
  for (const name of services) {
    const { subscriptions: theirs } = await loadService(name)
    if (theirs.length > 0) found.set(inboxApp(name), theirs.map(({ topic }) => topic.name).sort())
  }
  const stated = [...subscriptions].map(([group, topics]) => [group, [...topics].sort()] as const)
  expect(new Map(stated)).toEqual(found)
})
