import { memoryCodec } from '#contracts/codec'
import { openLog } from '#runtime/log'
import { runProcess } from '#runtime/main'
import { openMetrics } from '#runtime/metrics'
import { topology } from '../dsl/topology.ts'
import { run } from '../run/run.ts'
import { type PlaceSet, type ThingSet, toyContracts, toyRows, toyTopics } from './toys.ts'

/**
 * A worker process on toy topics, which integration tests start, kill and start again:
 * `toy-worker <brokers> <test> <slot> <pace in ms>`.
 */

/** Things with the label of their place, and what the things of each place add up to. */
export function toyTopology(test: string) {
  const { Things, Places } = toyTopics(test)
  const { Joined, Sums } = toySinks(test)
  return topology(test, ({ events }) => {
    const things = events(Things).evolve<ThingSet>({ ThingSet: (_, event) => event }, { name: 'things' })
    const places = events(Places).evolve<PlaceSet>({ PlaceSet: (_, event) => event }, { name: 'places' })
    return [
      things
        .leftJoin(places, {
          name: 'joined',
          on: (thing) => thing.place,
          select: (thing, place, key) => ({ key, text: `${thing.size}@${place?.label ?? '?'}` }),
        })
        .to(Joined),
      things
        .groupBy((thing) => thing.place, { name: 'sums' })
        .summarise((a) => ({ n: a.count(), size: a.sum((thing) => thing.size) }))
        .map(({ n, size }, key) => ({ key, text: `${n}:${size}` }))
        .to(Sums),
    ]
  })
}

export const toySinks = (test: string) => ({ Joined: toyRows(`${test}.joined`), Sums: toyRows(`${test}.sums`) })

if (import.meta.main) {
  const [brokers = '', test = '', slot = '0', paceMs = '0'] = process.argv.slice(2)
  await runProcess(`toy-${slot}`, async () => {
    return run(toyTopology(test), {
      app: test,
      slot: Number(slot),
      brokers: brokers.split(','),
      codec: memoryCodec(toyContracts),
      log: openLog(`toy-${slot}`),
      metrics: openMetrics(),
      paceMs: Number(paceMs),
      resetCommand: 'reset-the-toy',
    })
  })
}
