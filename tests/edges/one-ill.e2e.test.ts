import { setTimeout as after } from 'node:timers/promises'
import pg from 'pg'
import { waitUntil } from 'tributary/testing'
import { connectStack } from 'tributary/testing/stack'
import { expect, test } from 'vitest'
import kafkajs from '../../packages/tributary/runtime/kafkajs.ts'
import { openLetters, runs, soak } from './soak.ts'
import { checkStatements } from './statements.ts'
import { type Gap, longest, longestGap, p99, type Stream, startTraffic, streams, type Traffic } from './traffic.ts'

const stack = connectStack()

/** How long a part is ill, and in the long form as long before it is well, in ms. */
const ILL_MS = runs({ short: 9_000, long: 60_000 })
const WELL_MS = runs({ short: 0, long: ILL_MS })
/** Servers are as fast as they get some minutes after their start: for so long, in ms, there is traffic before the first part. */
const WARM_MS = runs({ short: 0, long: 180_000 })
const ALTERNATIONS = runs({ short: 1, long: 3 })
/** The others go on at their pace. A short run has too few arrivals for a ratio of its 99th percentile. */
const LONGEST_GAP_MS = soak.long ? 2_000 : 5_000
const WORST_RATIO = 2
const NAMED_WITHIN_MS = 10_000
const STATEMENT_MS = runs({ short: 500, long: 1_000 })

/** A part that can be made ill, and what leads through it. */
interface Ill {
  readonly part: string
  /** How status calls it. */
  readonly named: RegExp
  readonly downstream: readonly Stream[]
  make(): Promise<void>
  mend(): Promise<void>
}

const signal = (name: string, which: 'SIGSTOP' | 'SIGCONT') => async () => {
  const { processes } = await stack.status()
  const pid = processes.find((process) => process.name === name)?.pid
  if (!pid) throw new Error(`${name} has no pid`)
  process.kill(pid, which)
}

async function sql(database: string, statement: string): Promise<void> {
  const { POSTGRES_HOST: host = '127.0.0.1', POSTGRES_PORT: port, POSTGRES_PASSWORD: password } = stack.env
  const client = new pg.Client({ host, port: Number(port), user: 'postgres', password, database })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

async function elasticsearch(method: string, path: string, body?: object): Promise<void> {
  const response = await fetch(`${stack.urls.elasticsearch}${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`)
}

async function topicSetting(topic: string, name: string, value: string): Promise<void> {
  const admin = new kafkajs.Kafka({ clientId: 'edges', brokers: [stack.urls.kafka] }).admin()
  await admin.connect()
  try {
    // All settings of the topic: what isn't named would be the broker's default again.
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
    })
    const own = resources[0]!.configEntries.filter((entry) => entry.configSource === kafkajs.ConfigSource.TOPIC_CONFIG)
    const others = own.filter((entry) => entry.configName !== name)
    const configEntries = [
      ...others.map((entry) => ({ name: entry.configName, value: entry.configValue })),
      { name, value },
    ]
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configEntries }],
    })
  } finally {
    await admin.disconnect()
  }
}

let lock: pg.Client | undefined
let warm = false

const ills: readonly Ill[] = [
  {
    part: 'a service',
    named: /reviews/,
    downstream: ['reviews'],
    make: signal('reviews', 'SIGSTOP'),
    mend: signal('reviews', 'SIGCONT'),
  },
  {
    part: 'a connector',
    named: /reviews/,
    downstream: ['reviews'],
    async make() {
      await sql('reviews', 'alter role reviews_connector nologin')
      await sql('reviews', `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'reviews_connector'`)
    },
    mend: () => sql('reviews', 'alter role reviews_connector login'),
  },
  {
    part: 'a processor',
    named: /processor-sellers/,
    downstream: ['sellers'],
    make: signal('processor-sellers', 'SIGSTOP'),
    mend: signal('processor-sellers', 'SIGCONT'),
  },
  {
    part: "a sink's lane",
    named: /sellers/,
    downstream: ['sellers'],
    make: () => elasticsearch('PUT', '/sellers/_settings', { 'index.blocks.write': true }),
    mend: () => elasticsearch('PUT', '/sellers/_settings', { 'index.blocks.write': null }),
  },
  {
    part: 'a subscriber',
    named: /payments/,
    downstream: ['payments'],
    async make() {
      const { POSTGRES_HOST: host = '127.0.0.1', POSTGRES_PORT: port, POSTGRES_PASSWORD: password } = stack.env
      lock = new pg.Client({ host, port: Number(port), user: 'postgres', password, database: 'payments' })
      await lock.connect()
      await lock.query('begin')
      await lock.query('lock table inbox in access exclusive mode')
    },
    async mend() {
      await lock?.query('rollback')
      await lock?.end()
      lock = undefined
    },
  },
  {
    part: 'the registry',
    named: /registry/,
    downstream: [],
    make: signal('registry', 'SIGSTOP'),
    mend: signal('registry', 'SIGCONT'),
  },
  {
    part: 'a topic',
    named: /reviews/,
    downstream: ['reviews'],
    // It takes no record any more, whatever it is.
    make: () => topicSetting('reviews.events', 'max.message.bytes', '10'),
    mend: () => topicSetting('reviews.events', 'max.message.bytes', '1048588'),
  },
  {
    part: 'an index',
    named: /sellers/,
    downstream: ['sellers'],
    make: () => elasticsearch('PUT', '/sellers/_settings', { 'index.default_pipeline': 'that-does-not-exist' }),
    mend: () => elasticsearch('PUT', '/sellers/_settings', { 'index.default_pipeline': null }),
  },
]

for (const [i, ill] of ills.entries()) {
  test(
    `while ${ill.part} is ill the others keep their pace, status names it, and nothing is claimed that isn't so`,
    async () => {
      const traffic = await startTraffic(stack.urls, `ill${i}-${Date.now().toString(36)}-`)
      const spans: { from: number; to: number; ill: boolean }[] = []
      const statements = checkStatements(
        { freshness: stack.env.FRESHNESS_URL!, elasticsearch: stack.urls.elasticsearch },
        traffic,
        { everyMs: STATEMENT_MS },
      )
      try {
        await waitUntil('everything flows', () => flows(traffic), { timeoutMs: 120_000, everyMs: 500 })
        if (!warm) await after(WARM_MS)
        warm = true
        for (let n = 0; n < ALTERNATIONS; n++) {
          spans.push(await span(false, () => after(WELL_MS)))
          try {
            await ill.make()
            spans.push(
              await span(true, async () => {
                const until = performance.now() + ILL_MS
                await waitUntil(`status names ${ill.part}`, async () => ill.named.test(await whatStatusSays()), {
                  timeoutMs: NAMED_WITHIN_MS,
                  everyMs: 500,
                })
                await after(Math.max(0, until - performance.now()))
              }),
            )
          } finally {
            await ill.mend()
          }
          await waitUntil('everything is well again', async () => (await stack.status()).ready, { timeoutMs: 120_000 })
        }
      } finally {
        await traffic.stop(180_000)
        await statements.stop()
      }
      expect(statements.checked.wrong).toEqual([])
      const others = streams.filter((stream) => !ill.downstream.includes(stream))
      const rows = others.map((stream) => {
        const arrivals = traffic.arrivals.get(stream)!
        const ratios = spans.flatMap((each, at) =>
          each.ill ? [p99(arrivals, each.from, each.to) / p99(arrivals, spans[at - 1]!.from, spans[at - 1]!.to)] : [],
        )
        const gapWhile = (ill: boolean) =>
          longest(spans.filter((each) => each.ill === ill).map(({ from, to }) => longestGap(arrivals, from, to)))
        const ratio = ratios.sort((a, b) => a - b)[Math.floor(ratios.length / 2)]!
        return { stream, ratio, gap: gapWhile(true), gapWhenWell: gapWhile(false) }
      })
      const measured = rows.map(({ stream, ratio, gap, gapWhenWell }) =>
        soak.long
          ? `${stream} p99 × ${ratio.toFixed(2)}, longest gap ${said(gap)} (well: ${said(gapWhenWell)})`
          : `${stream} longest gap ${said(gap)}`,
      )
      console.log(`${ill.part} ill: ${measured.join('; ')}; ${statements.checked.taken} statements looked at`)
      const verify = await stack.tributary(['verify'], { timeoutMs: 180_000 })
      expect(verify.code, `${verify.stdout}\n${verify.stderr}`).toBe(0)
      expect(await openLetters(stack)).toEqual([])
      for (const { stream, ratio, gap } of rows) {
        expect(gap.ms, `${stream}: longest gap, ms`).toBeLessThanOrEqual(LONGEST_GAP_MS)
        if (soak.long) expect(ratio, `${stream}: p99 ill / p99 well`).toBeLessThanOrEqual(WORST_RATIO)
      }
    },
    300_000 + WARM_MS + ALTERNATIONS * (2 * ILL_MS + 120_000),
  )
}

/** Whether every stream has been at its pace for some seconds. */
function flows({ arrivals }: Traffic): boolean {
  const now = Date.now()
  return streams.every((stream) => longestGap(arrivals.get(stream)!, now - 5_000, now).ms < 2_500)
}

/** A gap with the time at which it began: what happens then is its cause. */
function said({ ms, beganMs }: Gap): string {
  return `${ms} ms at ${(beganMs / 1_000).toFixed(1)} s`
}

async function span(ill: boolean, work: () => Promise<unknown>) {
  const from = Date.now()
  await work()
  return { from, to: Date.now(), ill }
}

/** Everything that status says isn't well, as one text. */
async function whatStatusSays(): Promise<string> {
  const { stdout } = await stack.tributary(['status'], { timeoutMs: 20_000 })
  return stdout
    .split('\n')
    .filter((line) => !/\sready\s/.test(line))
    .join('\n')
}
