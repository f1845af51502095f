import fc from 'fast-check'
import type { Topology } from 'tributary/engine'
import { type Driver, drive } from 'tributary/testing'
import { describe, expect, test } from 'vitest'
import { CustomerRows, OrderRows, SalesRows, SellerRows } from '#schemas/topics.ts'
import type { RowsTopic } from '../packages/tributary/contracts/topic.ts'
import { customersTopology } from './customers/topology.ts'
import { ordersTopology } from './orders/topology.ts'
import { salesTopology } from './sales/topology.ts'
import { sellersTopology } from './sellers/topology.ts'
import { type Step, step } from './testing/histories.ts'
import { oddStep } from './testing/odd-histories.ts'
import { recompute } from './testing/recompute.ts'

/**
 * The engine's law: once its input is worked off, in whatever interleaving, cut into whatever epochs, over whatever
 * workers, and after whatever crashes, a topology's output is what recomputing it from scratch gives.
 */

/** What happens besides events coming in. */
type Act =
  | {
      readonly do: 'epoch'
      readonly worker: number
      readonly most: number
      readonly outcome: 'commit' | 'crash' | 'undone'
    }
  | { readonly do: 'restart'; readonly worker: number }
  | { readonly do: 'rebalance'; readonly owners: readonly number[] }

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('epoch' as const),
      worker: fc.nat(2),
      most: fc.integer({ min: 1, max: 5 }),
      outcome: fc.constantFrom(
        'commit' as const,
        'commit' as const,
        'commit' as const,
        'crash' as const,
        'undone' as const,
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), worker: fc.nat(2) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('rebalance' as const),
      owners: fc.array(fc.nat(2), { minLength: 8, maxLength: 8 }),
    }),
  },
)

const scriptOf = (step: fc.Arbitrary<Step>) =>
  fc.array(fc.oneof({ weight: 3, arbitrary: step }, { weight: 2, arbitrary: act }), { maxLength: 150, size: 'max' })
const workers = fc.integer({ min: 1, max: 3 })

const isStep = (each: Step | Act): each is Step => 'topic' in each
const happened = (script: readonly (Step | Act)[]) =>
  script.filter(isStep).map(({ topic, key, name, data }) => ({ topic: topic.name, key, name, data }))

/** Plays a script to a topology: events wait on their topics until an epoch takes them. */
function play(
  topology: Topology,
  script: readonly (Step | Act)[],
  workers: number,
  before?: (driver: Driver) => void,
): Driver {
  const driver = drive(topology, { workers, eager: false })
  before?.(driver)
  for (const each of script) {
    if (isStep(each)) {
      if (each.name === null) driver.erase(each.topic, each.key)
      else driver.pipe(each.topic, { key: each.key, name: each.name, data: each.data } as never)
    } else if (each.do === 'epoch') driver.epoch(each.worker % workers, each.most, each.outcome)
    else if (each.do === 'restart') driver.restart(each.worker % workers)
    else driver.rebalance(each.owners.map((owner) => owner % workers))
  }
  driver.drain()
  return driver
}

const runs = Number(process.env.LAW_RUNS ?? 60)
// To end what hangs, not what a busy machine holds up.
const TIMEOUT_MS = 120_000 + runs * 500

const histories: readonly [string, fc.Arbitrary<(Step | Act)[]>][] = [
  ['with ordinary ids', scriptOf(step)],
  ['with odd ids and texts', scriptOf(step.map(oddStep))],
]

describe.each(histories)('%s, whatever the interleaving, the epochs, the workers and the crashes', (_, script) => {
  test(
    'the orders are what recomputing them gives',
    () => {
      fc.assert(
        fc.property(script, workers, (script, workers) => {
          const driver = play(ordersTopology, script, workers)
          expect(driver.failures).toEqual([])
          expect(byKey(driver.table(OrderRows))).toEqual(byKey(recompute(happened(script)).orders))
        }),
        { numRuns: runs },
      )
    },
    TIMEOUT_MS,
  )

  const derived: readonly [string, Topology, RowsTopic<unknown>][] = [
    ['sales', salesTopology, SalesRows as RowsTopic<unknown>],
    ['customers', customersTopology, CustomerRows as RowsTopic<unknown>],
    ['sellers', sellersTopology, SellerRows as RowsTopic<unknown>],
  ]
  test.each(derived)(
    'the %s are what recomputing them gives',
    (name, topology, rows) => {
      fc.assert(
        fc.property(script, workers, (script, workers) => {
          // The order rows that come in are all the orders topology wrote on its way, transient ones too.
          const orders = play(ordersTopology, script, 2).read(OrderRows)
          const own = script.filter((each) => !isStep(each) || each.topic.name === 'catalog.events')
          const driver = play(topology, own, workers, (driver) => {
            for (const { key, row } of orders) {
              if (row === null) driver.erase(OrderRows, key)
              else driver.pipe(OrderRows, row)
            }
          })
          const expected = recompute(happened(script))[name as 'sales' | 'customers' | 'sellers']
          expect(byKey(driver.table(rows))).toEqual(byKey<unknown>(expected))
        }),
        { numRuns: runs },
      )
    },
    TIMEOUT_MS,
  )
})

function byKey<T>(rows: ReadonlyMap<string, T>): [string, T][] {
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1))
}
