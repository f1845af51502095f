// How long after its commit is a change searchable? Runs against a stack that is up:
//   node bench/latency.ts [--rate 50] [--seconds 60] [--warm-up 180] [--json] [--samples <file>]
// With --samples each change's moments (ms since the first was sent) go into a CSV file, to look into what took long.
// The warm-up is the same load, sent before and not measured: servers that just started still compile themselves, and
// Elasticsearch does for about five minutes.
import { writeFileSync } from 'node:fs'
import { Pool } from 'undici'
import { table } from './figures.ts'
import { observeSearch } from './observe-search.ts'
import { observeTopics } from './observe-topics.ts'
import { benchOptions } from './options.ts'
import { runningStack } from './running-stack.ts'
import { workload } from './workload.ts'

const options = benchOptions({ rate: 50, seconds: 60, 'warm-up': 180 }, ['samples'])
const { rate, seconds, 'warm-up': warmUpSeconds } = options

const stack = await runningStack()
const services = new Map(
  Object.entries(stack.urls.services).map(([name, url]) => [name, new Pool(url, { connections: 16 })] as const),
)

async function send(service: string, method: string, path: string, body: unknown, key: string): Promise<void> {
  for (;;) {
    const { statusCode, body: answer } = await services.get(service)!.request({
      method: method as 'POST',
      path,
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify(body),
    })
    const text = await answer.text()
    if (statusCode < 300) return
    if (statusCode !== 409 || !JSON.parse(text).retryable)
      throw new Error(`${method} ${path} answered ${statusCode}: ${text}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const run = `bench-${Date.now().toString(36)}`
const { masters, steps } = workload(run, rate * (warmUpSeconds + seconds))
process.stderr.write(`preparing ${masters.length} customers, sellers and products\n`)
const queue = [...masters]
await Promise.all(
  Array.from({ length: 16 }, async () => {
    for (let step = queue.pop(); step; step = queue.pop())
      await send(step.service, step.method, step.path, step.body, step.key)
  }),
)

const search = observeSearch(stack.urls.elasticsearch)
const topics = await observeTopics(stack.urls, search.lookFor)
const warmUp = Math.floor(rate * warmUpSeconds)
process.stderr.write(`${warmUp} changes at ${rate}/s to warm up, then ${steps.length - warmUp} measured\n`)

const sent = new Map<string, number>()
const committed = new Map<string, number>()
const started = performance.now()
const pending: Promise<void>[] = []
for (const [i, step] of steps.entries()) {
  const due = started + (i / rate) * 1000
  const wait = due - performance.now()
  if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
  if (i >= warmUp) {
    sent.set(step.key, performance.now())
    topics.expect(step)
    search.expect(step)
  }
  pending.push(
    send(step.service, step.method, step.path, step.body, step.key).then(() => {
      if (i >= warmUp) committed.set(step.key, performance.now())
    }),
  )
}
await Promise.all(pending)
const unseen = await search.settle(30_000)
await topics.close()
await Promise.all([...services.values()].map((pool) => pool.close()))

/** From one moment to another, for every change that has both. Negative where the answer came after the effect. */
const between = (from: ReadonlyMap<string, number>, to: ReadonlyMap<string, number>) =>
  [...to].flatMap(([key, at]) => (from.has(key) ? [Math.max(0, at - from.get(key)!)] : []))

const rows = [
  ['answered → in its domain topic', between(committed, topics.events)],
  ['domain topic → in orders.rows', between(topics.events, topics.rows)],
  ['orders.rows → searchable in orders', between(topics.rows, search.seen.orders)],
  ['answered → searchable in orders', between(committed, search.seen.orders)],
  ['sent → searchable in orders', between(sent, search.seen.orders)],
  ['answered → searchable in sales', between(committed, search.seen.sales)],
  ['answered → searchable in customers', between(committed, search.seen.customers)],
  ['answered → searchable in sellers', between(committed, search.seen.sellers)],
] as const

if (options.samples) {
  const moments = [sent, committed, topics.events, topics.rows, search.seen.orders]
  const lines = steps
    .slice(warmUp)
    .map(({ key, kind }) => [key, kind, ...moments.map((seen) => Math.round((seen.get(key) ?? Number.NaN) - started))])
  const header = ['change', 'kind', 'sent', 'answered', 'in_topic', 'in_rows', 'searchable']
  writeFileSync(options.samples, [header, ...lines].map((line) => `${line.join(',')}\n`).join(''))
}
if (options.json) console.log(JSON.stringify({ rate, seconds, warmUpSeconds, unseen, rows: Object.fromEntries(rows) }))
else {
  console.log(`${steps.length - warmUp} changes at ${rate}/s; the answer comes right after the commit\n`)
  console.log(table(rows))
}
if (unseen > 0) {
  console.error(`${unseen} changes were never seen`)
  process.exit(1)
}
process.exit(0)
