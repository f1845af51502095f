// How fast is a backlog worked off? Starts a stack of its own, in a scratch folder on free ports:
//   node bench/backlog.ts [--orders 10000] [--rounds 2] [--outbox 100000] [--json]
// 1. Kafka → Elasticsearch: the events of a simulated marketplace wait in the domain topics; the four processors and the
//    sink start at once; the clock stops when all four read models are complete. Process starts are inside the time. In
//    the first round all servers have just started; in the others they have worked off a backlog before.
// 2. Outbox → Kafka: rows wait in one service's outbox while its connector is paused; the clock runs from resume until
//    the topic has them all.
import { execFileSync } from 'node:child_process'
import pg from 'pg'
import { waitUntil } from 'tributary/testing'
import { scratchStack } from 'tributary/testing/stack'
import { openDatabase } from '../packages/tributary/database/connect.ts'
import { readSuperuser } from '../packages/tributary/database/settings.ts'
import { slotPasses } from '../packages/tributary/outbox/slot.ts'
import { readModels, services } from '../tests/harness/marketplace.ts'
import { benchOptions } from './options.ts'

const options = benchOptions({ orders: 10_000, rounds: 2, outbox: 100_000 })
const say = (text: string) => process.stderr.write(`${text}\n`)
const workers = [...readModels.map((name) => `processor-${name}`), 'sink']

say('starting a stack in a scratch folder')
const stack = await scratchStack({ env: { DEMO: 'off' } })
try {
  const backlogs: Backlog[] = []
  for (let round = 1; round <= options.rounds; round++) {
    backlogs.push(await workOffBacklog(options.orders, round))
  }
  const outbox = await drainOutbox(options.outbox)
  const result = { backlogs, outbox }
  console.log(options.json ? JSON.stringify(result) : report(result))
} finally {
  await stack.stop()
}

async function tributary(...args: string[]): Promise<void> {
  const { code, stdout, stderr } = await stack.tributary(args, { timeoutMs: 1_800_000 })
  if (code !== 0) throw new Error(`tributary ${args.join(' ')} ended with ${code}:\n${stdout}\n${stderr}`)
}

interface Backlog {
  readonly events: number
  readonly seconds: number
  readonly perSecond: number
  /** By process. */
  readonly cpuSeconds: Readonly<Record<string, number>>
}

async function workOffBacklog(orders: number, round: number): Promise<Backlog> {
  await tributary('stop', ...workers)
  const before = await outboxRows()
  say(`playing ${orders} orders through the services, with no processor and no sink running`)
  await tributary('simulate', '--orders', String(orders), '--seed', String(round), '--no-wait')
  const waiting = (await outboxRows()) - before
  await Promise.all(services.map(drained))

  say(`${waiting} events wait; starting ${workers.join(', ')}`)
  const started = performance.now()
  await tributary('start', ...workers)
  await tributary('wait', '--timeout', '1800')
  const seconds = (performance.now() - started) / 1000
  const { processes } = await stack.status()
  const cpu: Record<string, number> = Object.fromEntries(
    processes.filter((p) => workers.includes(p.name) && p.pid).map((p) => [p.name, cpuSeconds(p.pid!)]),
  )
  await tributary('verify')
  return { events: waiting, seconds, perSecond: waiting / seconds, cpuSeconds: cpu }
}

async function drainOutbox(rows: number) {
  const connector = `${stack.urls.connect}/connectors/reviews-outbox`
  say(`pausing the connector of reviews and writing ${rows} rows into its outbox`)
  const put = async (what: 'pause' | 'resume') => {
    const response = await fetch(`${connector}/${what}`, { method: 'PUT' })
    if (!response.ok) throw new Error(`${what} answered ${response.status}: ${await response.text()}`)
  }
  await put('pause')
  await waitUntil(
    'the connector is paused',
    async () => {
      const status = (await (await fetch(`${connector}/status`)).json()) as { tasks: { state: string }[] }
      return status.tasks.every((task) => task.state === 'PAUSED')
    },
    { timeoutMs: 60_000 },
  )
  await fillOutbox('reviews', rows)
  const started = performance.now()
  await put('resume')
  await drained('reviews')
  const seconds = (performance.now() - started) / 1000
  return { rows, seconds, perSecond: rows / seconds }
}

/** In transactions of 10, as a busy service would: a queue of single inserts and one huge transaction are both unlike it. */
async function fillOutbox(service: string, rows: number): Promise<void> {
  const client = await database(service)
  try {
    await client.query(`do $$ begin for i in 1..${Math.ceil(rows / 10)} loop
      insert into outbox (id, aggregatetype, aggregateid, type, payload, source, specversion, time, traceparent)
        select gen_random_uuid(), aggregatetype, 'bench-' || i || '/' || n, type, payload, source, specversion, time, ''
        from (select * from outbox where payload is not null limit 1) one, generate_series(1, 10) n;
      commit; end loop; end $$`)
  } finally {
    await client.end()
  }
}

async function database(name: string): Promise<pg.Client> {
  const { POSTGRES_HOST: host = '127.0.0.1', POSTGRES_PORT: port, POSTGRES_PASSWORD: password } = stack.env
  const client = new pg.Client({ host, port: Number(port), user: 'postgres', password, database: name })
  await client.connect()
  return client
}

async function outboxRows(): Promise<number> {
  const counts = await Promise.all(
    services.map(async (service) => {
      const client = await database(service)
      const { rows } = await client.query<{ n: string }>('select count(*) n from outbox')
      await client.end()
      return Number(rows[0]!.n)
    }),
  )
  return counts.reduce((a, b) => a + b, 0)
}

/**
 * Returns once the connector's slot has confirmed everything the database has written by now: Debezium confirms a
 * position after the Kafka transaction that holds its records is committed.
 */
async function drained(service: string): Promise<void> {
  const db = openDatabase(readSuperuser(stack.env)(service), { application: 'bench', pool: 1 })
  await slotPasses(db, service, 600_000).finally(() => db.destroy())
}

/** User and system time a process has used so far, in seconds. */
function cpuSeconds(pid: number): number {
  const text = execFileSync('ps', ['-o', 'cputimes=', '-p', String(pid)], { encoding: 'utf8' })
  return Number(text.trim())
}

function report({
  backlogs,
  outbox,
}: {
  backlogs: readonly Backlog[]
  outbox: Awaited<ReturnType<typeof drainOutbox>>
}): string {
  const rate = (n: number) => Math.round(n).toLocaleString('en')
  const ofRound = ({ events, seconds, perSecond, cpuSeconds }: Backlog, round: number) => [
    `  ${round === 0 ? 'servers just started' : 'again'}: ${events} events in ${seconds.toFixed(1)} s = ${rate(perSecond)} events/s`,
    ...Object.entries(cpuSeconds).map(
      ([name, s]) => `    ${name.padEnd(22)} ${s.toFixed(0)} s CPU, ${((s / events) * 1e6).toFixed(0)} µs per event`,
    ),
  ]
  return [
    'Kafka → Elasticsearch, all four read models, verified',
    ...backlogs.flatMap(ofRound),
    `Outbox → Kafka, one connector: ${outbox.rows} rows in ${outbox.seconds.toFixed(1)} s = ${rate(outbox.perSecond)} rows/s`,
  ].join('\n')
}
