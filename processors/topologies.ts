import type { Topology } from '#engine'
import type { ReadModelName } from '#schemas/topics.ts'
import { customersTopology } from './customers/topology.ts'
import { ordersTopology } from './orders/topology.ts'
import { salesTopology } from './sales/topology.ts'
import { sellersTopology } from './sellers/topology.ts'

/** Each read model's topology. */
export const topologies: Readonly<Record<ReadModelName, Topology>> = {
  orders: ordersTopology,
  sales: salesTopology,
  customers: customersTopology,
  sellers: sellersTopology,
}
