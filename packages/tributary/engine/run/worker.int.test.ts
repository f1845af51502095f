import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import type { Admin, Producer } from 'kafkajs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { applyTopics } from '#contracts/apply-topics'
import { memoryCodec } from '#contracts/codec'
import { deadLettersOf, type RowsTopic } from '#contracts/topic'
import { resetProcessor } from '#processor/reset'
import { type OpenLetter, OpenLetters, readLetter } from '#runtime/dead-letters/letter'
import kafkajs from '#runtime/kafkajs'
import { connectStack } from '#testing/stack'
import { waitUntil } from '#testing/wait-until'
import { listOffsets } from '../kafka/admin.ts'
import { Cluster } from '../kafka/cluster.ts'
import { fetchRecords } from '../kafka/fetcher.ts'
import type { FetchedRecord } from '../kafka/records.ts'
import { askRecord } from '../letters.ts'
import { toySinks } from '../testing/toy-worker.ts'
import { type PlaceSet, type ThingRow, type ThingSet, toyContracts, toyTopics } from '../testing/toys.ts'
import { partitionOf } from './partitioner.ts'

const { Kafka, logLevel } = kafkajs

const PARTITIONS = 4
const toyWorker = fileURLToPath(new URL('../testing/toy-worker.ts', import.meta.url))

let brokers: string
let producer: Producer
let cluster: Cluster
const codec = memoryCodec(toyContracts)

/** One test's topics, workers and what it has sent. */
class Scene {
  readonly name = `toy-${randomUUID().slice(0, 8)}`
  readonly topics = toyTopics(this.name)
  readonly sinks = toySinks(this.name)
  readonly things = new Map<string, ThingSet>()
  readonly places = new Map<string, PlaceSet>()
  readonly workers = new Map<number, { child: ChildProcess; output: string[] }>()

  async open(): Promise<void> {
    const { Things, Places } = this.topics
    await applyTopics([brokers], [Things, Places, this.sinks.Joined, this.sinks.Sums, deadLettersOf(this.name)])
  }

  async start(slot = 0, paceMs = 0): Promise<void> {
    const child = spawn(process.execPath, [toyWorker, brokers, this.name, String(slot), String(paceMs)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const output: string[] = []
    child.stdout!.on('data', (chunk: Buffer) => output.push(chunk.toString()))
    this.workers.set(slot, { child, output })
  }

  /** Whether a worker has said so in its log. */
  says(slot: number, what: RegExp): boolean {
    return what.test(this.workers.get(slot)?.output.join('') ?? '')
  }

  async end(slot: number, signal: NodeJS.Signals): Promise<void> {
    const worker = this.workers.get(slot)
    if (!worker) return
    this.workers.delete(slot)
    const ended = new Promise((resolve) => worker.child.once('exit', resolve))
    worker.child.kill(signal)
    await ended
  }

  async close(): Promise<void> {
    await Promise.all([...this.workers.keys()].map((slot) => this.end(slot, 'SIGKILL')))
  }

  /** Deletes a topic and makes it anew. */
  async replace(topic: RowsTopic): Promise<void> {
    const there = () => onAdmin(async (admin) => (await admin.listTopics()).includes(topic.name))
    await onAdmin((admin) => admin.deleteTopics({ topics: [topic.name] }))
    await waitUntil('the topic is gone', async () => !(await there()))
    await applyTopics([brokers], [topic])
  }

  async reset(): Promise<void> {
    await resetProcessor([brokers], this.name, [this.sinks.Joined.name, this.sinks.Sums.name])
  }

  async send(things: readonly (readonly [string, ThingSet])[], places: readonly (readonly [string, PlaceSet])[] = []) {
    const { Things, Places } = this.topics
    const encode = <T>(
      topic: typeof Things | typeof Places,
      name: string,
      rows: readonly (readonly [string, T])[],
    ) => ({
      topic: topic.name,
      messages: rows.map(([key, row]) => ({ key, value: codec.encode((topic.events as never)[name], row) })),
    })
    for (const [key, row] of things) this.things.set(key, row)
    for (const [key, row] of places) this.places.set(key, row)
    await producer.sendBatch({
      topicMessages: [encode(Things, 'ThingSet', things), encode(Places, 'PlaceSet', places)],
    })
  }

  /** What the sinks must hold in the end. */
  expected() {
    const joined = new Map<string, string>()
    const sums = new Map<string, { n: number; size: number }>()
    for (const [key, { place, size }] of this.things) {
      joined.set(key, `${size}@${this.places.get(place ?? '')?.label ?? '?'}`)
      if (place === null) continue
      const sum = sums.get(place) ?? { n: 0, size: 0 }
      sums.set(place, { n: sum.n + 1, size: sum.size + size })
    }
    return { joined, sums: new Map([...sums].map(([place, { n, size }]) => [place, `${n}:${size}`])) }
  }

  async found() {
    return { joined: await table(this.sinks.Joined.name), sums: await table(this.sinks.Sums.name) }
  }

  async settled(timeoutMs = 40_000): Promise<void> {
    const expected = this.expected()
    await waitUntil('the sinks hold what recomputing gives', async () => same(await this.found(), expected), {
      timeoutMs,
    }).catch(() => {})
    expect(sorted(await this.found())).toEqual(sorted(expected))
  }
}

const sorted = ({ joined, sums }: Awaited<ReturnType<Scene['found']>>) => ({
  joined: [...joined].sort(),
  sums: [...sums].sort(),
})
const same = (a: Awaited<ReturnType<Scene['found']>>, b: Awaited<ReturnType<Scene['found']>>) =>
  JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))

/** All committed records of a topic. */
async function read(topic: string, partitions = PARTITIONS): Promise<(FetchedRecord & { partition: number })[]> {
  await cluster.learn([topic])
  const wanted = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))
  const ends = await listOffsets(cluster, 'high watermark', wanted)
  const all: (FetchedRecord & { partition: number })[] = []
  let behind = wanted.map((place) => ({ ...place, offset: 0 }))
  for (;;) {
    behind = behind.filter(({ partition, offset }) => offset < (ends.get(`${topic}/${partition}`) ?? 0))
    if (behind.length === 0) return all
    const fetched = await fetchRecords(cluster, behind, { maxBytes: 8e6, maxPartitionBytes: 4e6, maxWaitMs: 20 })
    for (const { partition, records } of fetched) all.push(...records.map((record) => ({ ...record, partition })))
    behind = fetched.map(({ partition, nextOffset }) => ({ topic, partition, offset: nextOffset }))
  }
}

async function table(topic: string): Promise<Map<string, string>> {
  const rows = new Map<string, string>()
  for (const { key, value } of await read(topic)) {
    if (value === null) rows.delete(String(key))
    else rows.set(String(key), (codec.decode(value).value as ThingRow).text)
  }
  return rows
}

async function onAdmin<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Kafka({ clientId: 'engine-test', brokers: [brokers], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  return work(admin).finally(() => admin.disconnect())
}

const thing = (i: number, size = i % 17): [string, ThingSet] => [`t${i % 3_000}`, { place: `p${(i * 7) % 40}`, size }]
const place = (i: number, label: string): [string, PlaceSet] => [`p${i}`, { label }]
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

beforeAll(async () => {
  brokers = process.env.TEST_KAFKA_BROKERS ?? connectStack().urls.kafka
  await codec.prepare(toyContracts)
  producer = new Kafka({ clientId: 'engine-test', brokers: [brokers], logLevel: logLevel.NOTHING }).producer()
  await producer.connect()
  cluster = new Cluster({ brokers: [brokers], clientId: 'engine-test' })
})
afterAll(async () => {
  await producer?.disconnect()
  await cluster?.close()
})

describe('a worker on a broker', () => {
  let scene: Scene
  beforeEach(async () => {
    scene = new Scene()
    await scene.open()
  })
  afterEach(() => scene.close())

  test('killed with -9 again and again in the middle of its epochs, loses nothing and counts nothing twice', async () => {
    await scene.send(
      [],
      range(0, 40).map((i) => place(i, `label ${i}`)),
    )
    let sent = 0
    for (let round = 0; round < 6; round++) {
      await scene.start()
      await scene.send(
        range(sent, sent + 6_000).map((i) => thing(i)),
        [place(round, `renamed ${round}`)],
      )
      sent += 6_000
      // Once it has begun to write this round's rows it is in the middle of them.
      const before = (await read(scene.sinks.Joined.name)).length
      await waitUntil('the worker writes', async () => (await read(scene.sinks.Joined.name)).length > before, {
        timeoutMs: 30_000,
      })
      await scene.end(0, 'SIGKILL')
    }
    await scene.start()
    await scene.settled()
  }, 180_000)

  test('comes back with its state and writes nothing again that is written', async () => {
    await scene.start()
    await scene.send(
      range(0, 2_000).map((i) => thing(i)),
      range(0, 40).map((i) => place(i, `label ${i}`)),
    )
    await scene.settled()
    await scene.end(0, 'SIGTERM')
    const written = (await read(scene.sinks.Joined.name)).length
    await scene.start()
    await scene.send([thing(1, 99)])
    await scene.settled()
    expect((await read(scene.sinks.Joined.name)).length).toBe(written + 1)
  })

  test('counts nothing twice when the offsets of its group are deleted, as they are after a week without work', async () => {
    await scene.start()
    await scene.send(
      range(0, 500).map((i) => thing(i)),
      range(0, 40).map((i) => place(i, `label ${i}`)),
    )
    await scene.settled()
    await scene.end(0, 'SIGTERM')
    const written = (await read(scene.sinks.Joined.name)).length
    await onAdmin((admin) => admin.deleteGroups([scene.name]))
    await scene.start()
    await scene.send([thing(1, 99)])
    await scene.settled()
    expect((await read(scene.sinks.Joined.name)).length).toBe(written + 1)
  })

  test.each(['stopped', 'running'])(
    'writes its rows again when their topic was deleted and made anew while it was %s',
    async (when) => {
      await scene.start()
      await scene.send(
        range(0, 500).map((i) => thing(i)),
        range(0, 40).map((i) => place(i, `label ${i}`)),
      )
      await scene.settled()
      if (when === 'stopped') await scene.end(0, 'SIGTERM')
      await scene.replace(scene.sinks.Sums)
      if (when === 'stopped') await scene.start()
      await scene.settled()
      // Once, and not again at every start.
      const written = (await read(scene.sinks.Sums.name)).length
      await scene.end(0, 'SIGTERM')
      await scene.start()
      await scene.send([['t1', { place: null, size: 1 }]])
      await scene.settled()
      expect((await read(scene.sinks.Sums.name)).length).toBe(written + 1)
    },
  )

  test.each(['stopped', 'running'])(
    'goes on over no empty state when its changelog was deleted while it was %s, and comes to the same after a reset',
    async (when) => {
      await scene.start()
      await scene.send(range(0, 500).map((i) => thing(i)))
      await scene.settled()
      if (when === 'stopped') await scene.end(0, 'SIGTERM')
      await onAdmin((admin) => admin.deleteTopics({ topics: [`${scene.name}-state-changelog`] }))
      if (when === 'stopped') await scene.start()
      await scene.send([thing(1, 99)])
      const said = /state-changelog." was deleted and made again.*lost.*reset-the-toy/
      await waitUntil('it says what is lost', () => scene.says(0, said), { timeoutMs: 40_000 })
      expect((await scene.found()).sums).not.toEqual(scene.expected().sums)
      await expect(scene.reset()).rejects.toThrow(/runs.*stop it first/)
      await scene.end(0, 'SIGTERM')
      await scene.reset()
      await scene.start()
      await scene.settled()
    },
  )

  test('sets junk on its exchange topic aside, and goes on', async () => {
    await scene.start()
    await scene.send([thing(1)])
    await scene.settled()
    const topic = `${scene.name}-exchange-repartition`
    const junk = ['{', 'null', '["!letters","replay"']
    await producer.send({ topic, messages: junk.map((value) => ({ value, partition: 2 })) })
    await scene.send(range(0, 100).map((i) => thing(i)))
    await scene.settled()
    const open = async () => (await letters(scene)).map((letter) => letter.topic)
    await waitUntil('all three are set aside', async () => (await open()).length === 3)
    expect(await open()).toEqual(junk.map(() => topic))
    expect((await read(`${scene.name}.dead-letters`, 1)).map(({ value }) => String(value))).toEqual(junk)
    // A person looks at them and gives them up.
    for (const letter of await letters(scene)) {
      const { value } = askRecord(letter, 'drop', 'junk')
      await producer.send({ topic, messages: [{ value, partition: 2 }] })
    }
    await waitUntil('they are closed', async () => (await open()).length === 0)
  })

  test('goes on over no part of its state: what it cannot read of it, it says', async () => {
    await scene.start()
    await scene.send(range(0, 100).map((i) => thing(i)))
    await scene.settled()
    await scene.end(0, 'SIGTERM')
    await producer.send({
      topic: `${scene.name}-state-changelog`,
      messages: [{ key: '!positions', value: '{', partition: 1 }],
    })
    await scene.start()
    const said = /a part of the state is lost: offset \d+ of partition 1 .*reset-the-toy/
    await waitUntil('it says what it cannot read', () => scene.says(0, said), { timeoutMs: 40_000 })
  })

  test('goes on over no state of an older form: it says what to do, and comes to the same after a reset', async () => {
    await scene.start()
    await scene.send(range(0, 500).map((i) => thing(i)))
    await scene.settled()
    await scene.end(0, 'SIGTERM')
    const topic = `${scene.name}-state-changelog`
    const forms = (await read(topic)).filter(({ key }) => String(key) === '!form')
    expect(forms.map(({ partition }) => partition).sort()).toEqual(range(0, PARTITIONS))
    // State of before there were forms says none.
    await producer.send({ topic, messages: forms.map(({ partition }) => ({ key: '!form', value: null, partition })) })
    await scene.send([thing(1, 99)])
    await scene.start()
    const said = /can't be gone on with: it was written by another version of the engine.*reset-the-toy/
    await waitUntil('it says what to do', () => scene.says(0, said), { timeoutMs: 40_000 })
    expect((await scene.found()).sums).not.toEqual(scene.expected().sums)
    await scene.end(0, 'SIGTERM')
    await scene.reset()
    await scene.start()
    await scene.settled()
  })

  test('shares its work with a second one, and hands it over when that one is killed or stops', async () => {
    await scene.start(0)
    await scene.send(
      range(0, 3_000).map((i) => thing(i)),
      range(0, 40).map((i) => place(i, `label ${i}`)),
    )
    await scene.start(1)
    await waitUntil('worker 1 has its half', () => scene.says(1, /"partitions":\[2,3\].*"running"/), {
      timeoutMs: 30_000,
    })
    await waitUntil('worker 0 has its half', () => scene.says(0, /"partitions":\[0,1\].*"running"/), {
      timeoutMs: 30_000,
    })
    await scene.send(
      range(3_000, 9_000).map((i) => thing(i)),
      range(0, 20).map((i) => place(i, `second ${i}`)),
    )
    await scene.end(1, 'SIGKILL')
    await scene.send(
      range(9_000, 12_000).map((i) => thing(i)),
      range(0, 10).map((i) => place(i, `third ${i}`)),
    )
    await scene.start(1)
    await scene.settled()
    await scene.end(0, 'SIGTERM')
    await scene.send(
      range(12_000, 14_000).map((i) => thing(i)),
      range(5, 15).map((i) => place(i, `fourth ${i}`)),
    )
    await scene.settled()
  })

  test('works the first change off at once, and those that follow within its pace together', async () => {
    const texts = async () =>
      (await read(scene.sinks.Joined.name)).map(({ value }) => (codec.decode(value!).value as ThingRow).text)
    await scene.start(0, 5_000)
    await scene.send([thing(1, 0)])
    await waitUntil('the first change is there', async () => (await texts()).length > 0, { timeoutMs: 40_000 })
    for (const size of range(1, 21)) await scene.send([thing(1, size)])
    await waitUntil('the last change is there', async () => (await texts()).at(-1) === '20@?', { timeoutMs: 40_000 })
    // Without a pace there are twenty more; a machine on which sending took longer than the pace may need two.
    expect((await texts()).length).toBeLessThanOrEqual(3)
  })

  test('puts what it cannot read into the dead letters, as it was, and goes on', async () => {
    const { Things } = scene.topics
    const unknown = Buffer.from([0, 0, 0, 0x27, 0x0f, 1, 2])
    await producer.send({
      topic: Things.name,
      messages: [
        { key: 'garbage', value: 'garbage', partition: 1, headers: { note: 'kept' } },
        { key: 'unknown', value: unknown, partition: 1 },
        { key: 'other', value: codec.encode(scene.sinks.Sums.row, { key: 'x', text: 'y' }), partition: 1 },
      ],
    })
    await scene.send([thing(1)])
    await scene.start()
    await scene.settled()
    const letters = await read(`${scene.name}.dead-letters`, 1)
    const told = letters.map((letter) => {
      const headers = Object.fromEntries(letter.headers().map(([name, value]) => [name, value.toString()]))
      return { key: String(letter.key), reason: headers.dl_reason, offset: headers.dl_offset, headers }
    })
    expect(told.map(({ key, reason, offset }) => [key, reason, offset])).toEqual([
      ['garbage', 'unreadable', '0'],
      ['unknown', 'unknown-schema', '1'],
      ['other', 'unexpected-type', '2'],
    ])
    expect(letters[1]?.value).toEqual(unknown)
    expect(told[0]?.headers).toMatchObject({
      note: 'kept',
      dl_topic: Things.name,
      dl_partition: '1',
      dl_app: scene.name,
    })
    expect(Date.parse(told[0]?.headers.dl_at ?? '')).toBeGreaterThan(0)
  })

  const kcat = spawnSync('kcat', ['-V']).status === 0
  if (!kcat) console.warn('kcat is not installed: whether workers read compressed batches was not tried')
  test.runIf(kcat)('reads batches that a producer compressed, whatever with', async () => {
    await scene.start()
    for (const [nth, kind] of ['gzip', 'snappy', 'lz4', 'zstd'].entries()) {
      const records = range(nth * 50, nth * 50 + 50).map((i) => thing(i))
      for (const [key, row] of records) scene.things.set(key, row)
      const lines = records.map(([key, row]) => {
        const value = codec.encode(scene.topics.Things.events.ThingSet, row).toString('latin1')
        return Buffer.from(`${key}<=>${value}<;>`, 'latin1')
      })
      const topic = scene.topics.Things.name
      const options = ['-X', 'partitioner=murmur2', '-z', kind, '-K', '<=>', '-D', '<;>']
      const { status, stderr } = spawnSync('kcat', ['-b', brokers, '-P', '-t', topic, ...options], {
        input: Buffer.concat(lines),
      })
      expect([status, String(stderr)]).toEqual([0, ''])
    }
    await scene.settled()
  })

  test('sets aside what is as large as a record may be, cut, and goes on', async () => {
    const { Things } = scene.topics
    const value = Buffer.alloc(1_048_000, 'x')
    await producer.send({ topic: Things.name, messages: [{ key: 'huge', value, partition: 1 }] })
    await scene.send([thing(1)])
    await scene.start()
    await scene.settled()
    const [record] = await read(`${scene.name}.dead-letters`, 1)
    expect(readLetter({ ...record!, headers: record!.headers() })).toMatchObject({
      letter: { reason: 'unreadable', valueBytes: 1_048_000 },
    })
  })

  test('keeps a key back behind a dead letter, and works it off in order when the letter is replayed or dropped', async () => {
    const { Things } = scene.topics
    const garbage = (key: string) => ({ key, value: 'garbage', partition: partitionOf(key, PARTITIONS) })
    await scene.send([
      ['a', { place: 'p1', size: 1 }],
      ['b', { place: 'p1', size: 1 }],
    ])
    await producer.send({ topic: Things.name, messages: [garbage('a'), garbage('b')] })
    await scene.start()
    await waitUntil('both letters are open', async () => (await letters(scene)).length === 2, { timeoutMs: 40_000 })
    // What comes now waits, also over a restart; other keys don't.
    const waiting = new Map(scene.things)
    await scene.send([
      ['a', { place: 'p2', size: 2 }],
      ['b', { place: 'p2', size: 2 }],
      ['a', { place: 'p3', size: 3 }],
    ])
    const sent = new Map(scene.things)
    for (const [key, row] of waiting) scene.things.set(key, row)
    await scene.send([['c', { place: 'p1', size: 5 }]])
    await scene.settled()
    await scene.end(0, 'SIGKILL')
    await scene.start()
    const before = await letters(scene)
    const ask = async (key: string, action: 'replay' | 'drop') => {
      const { topic, partition, value } = askRecord(before.find((each) => String(each.key) === key)!, action, 'tried')
      await producer.send({ topic, messages: [{ partition, value }] })
    }
    // Garbage stays garbage: the letter stays open, told once more.
    const told = (await read(`${scene.name}.dead-letters`, 1)).length
    await ask('a', 'replay')
    await waitUntil('a failed again', async () => (await read(`${scene.name}.dead-letters`, 1)).length > told, {
      timeoutMs: 40_000,
    })
    expect((await letters(scene)).map(({ id }) => id)).toEqual(before.map(({ id }) => id))
    await ask('a', 'drop')
    await ask('b', 'drop')
    for (const [key, row] of sent) scene.things.set(key, row)
    scene.things.set('c', { place: 'p1', size: 5 })
    await scene.settled()
    expect(await letters(scene)).toEqual([])
    // Who reads everything again meets what was given up, and doesn't wait behind it.
    await scene.end(0, 'SIGTERM')
    await scene.reset()
    await scene.start()
    await scene.send([
      ['a', { place: 'p4', size: 4 }],
      ['b', { place: 'p4', size: 4 }],
    ])
    await scene.settled()
  })

  test('writes the letters of what waits again when the dead-letter topic was made anew', async () => {
    const { Things } = scene.topics
    const record = { key: 'a', value: 'garbage', partition: partitionOf('a', PARTITIONS) }
    await producer.send({ topic: Things.name, messages: [record] })
    await scene.start()
    const isOpen = async () => (await letters(scene)).some(({ key }) => String(key) === 'a')
    await waitUntil('its letter is open', isOpen, { timeoutMs: 40_000 })
    const admin = new Kafka({ clientId: 'engine-test', brokers: [brokers], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    const makeAnew = async () => {
      await admin.deleteTopics({ topics: [deadLettersOf(scene.name).name] })
      await waitUntil('it is made anew', () => applyTopics([brokers], [deadLettersOf(scene.name)]).then(() => true))
    }
    await makeAnew()
    await waitUntil('its letter is open again', isOpen, { timeoutMs: 40_000 })
    await scene.end(0, 'SIGTERM')
    await makeAnew()
    await admin.disconnect()
    await scene.start()
    await waitUntil('its letter is open again after a restart', isOpen, { timeoutMs: 40_000 })
  })
})

/** The open dead letters of a scene's worker. */
async function letters(scene: Scene): Promise<OpenLetter[]> {
  const open = new OpenLetters()
  for (const { key, value, offset, headers } of await read(`${scene.name}.dead-letters`, 1)) {
    open.take({ key, value, offset, headers: headers() })
  }
  return open.all
}
