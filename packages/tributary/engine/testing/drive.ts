import { avroType } from '#contracts/codec'
import type { Contract, ValueOf } from '#contracts/contract'
import type { Plain } from '#contracts/key'
import type { EventsTopic, RowsTopic } from '#contracts/topic'
import type { Topology } from '../dsl/topology.ts'
import { EngineError } from '../errors.ts'
import { sameRow } from '../operators/operator.ts'
import { plan } from '../plan/plan.ts'
import { partitionOf } from '../run/partitioner.ts'
import { type RowPlace, TaskSet } from '../run/tasks.ts'
import { MemoryStore } from '../state/memory.ts'
import { reasonOf } from '../state/plain-data.ts'
import type { StateStore, StoreOptions } from '../state/store.ts'

/** An event as a test gives it: its record key, its short name and its data. Where that has ids, plain texts will do. */
export interface GivenEvent<Name extends string = string, Data = unknown> {
  readonly key: string
  readonly name: Name
  readonly data: Data
}

/** Any event of a topic. */
export type EventFor<Topic> =
  Topic extends EventsTopic<infer Events, infer _Keys>
    ? { [Name in keyof Events & string]: GivenEvent<Name, Plain<ValueOf<Events[Name]>>> }[keyof Events & string]
    : never

/** What couldn't be worked on, in a driven topology. */
export interface DrivenFailure {
  readonly place: string
  readonly key: string
  readonly message: string
}

interface Logged {
  readonly topic: string
  readonly partition: number
  readonly key: string
  /** Null: a tombstone. */
  readonly record: { readonly name: string; readonly value: unknown } | null
}

interface Instance {
  readonly partitions: readonly number[]
  tasks: TaskSet
}

export interface DriveOptions {
  /** How many workers share the partitions; they talk through the exchange topic. */
  readonly workers?: number
  /** Work off each record at once, as `pipe` is called. Otherwise records wait for `advance`. */
  readonly eager?: boolean
}

/**
 * Runs a topology in memory, without a broker: the same plan, operators, tasks and state as a worker runs, with
 * topics and changelogs as lists. Rows pass through JSON and through the sinks' Avro schemas, as they do for real.
 */
export function drive(topology: Topology, options: DriveOptions = {}): Driver {
  return new Driver(topology, options)
}

export class Driver {
  readonly #plan
  readonly #eager: boolean
  readonly #instances: Instance[]
  readonly #waiting: Logged[][]
  readonly #exchanged: string[][]
  readonly #changelog: Map<string, string>[]
  readonly #outputs = new Map<string, Map<string, unknown>>()
  readonly #written = new Map<string, { key: string; row: unknown }[]>()
  #retrying = false
  /** Topics that were made anew and whose rows aren't all written again. */
  #anew: string[] = []
  /** Keys of which an event failed: later ones of the same topic wait, as a worker has them wait. */
  #parked = new Set<string>()
  /** What failed and is not well yet, by place, partition and key. */
  readonly #open = new Map<string, DrivenFailure>()
  /** Everything that failed at any time; `deadLetters` is what of it is left. */
  readonly failures: DrivenFailure[] = []
  /** Characters of the largest changelog record so far. */
  largestChange = 0
  /** Rows that had failed and are well. */
  readonly mended: RowPlace[] = []

  constructor(topology: Topology, options: DriveOptions) {
    this.#plan = plan(topology)
    this.#eager = options.eager ?? true
    const { partitions } = this.#plan
    const each = <T>(make: () => T) => Array.from({ length: partitions }, make)
    this.#waiting = each(() => [])
    this.#exchanged = each(() => [])
    this.#changelog = each(() => new Map())
    const workers = options.workers ?? 1
    this.#instances = Array.from({ length: workers }, (_, worker) => {
      const owned = this.#waiting.map((_, p) => p).filter((p) => p % workers === worker)
      return { partitions: owned, tasks: this.#start(owned) }
    })
  }

  /** Puts an event on its topic. */
  pipe<Topic extends EventsTopic>(topic: Topic, event: EventFor<Topic>): void
  /** Puts a row on a rows topic. */
  pipe<Row>(topic: RowsTopic<Row>, row: NoInfer<Plain<Row>>): void
  pipe(topic: EventsTopic | RowsTopic, given: unknown): void {
    if (topic.kind === 'rows') {
      const value = throughAvro(topic.row, given)
      this.#log({ topic: topic.name, key: topic.key(given), record: { name: topic.row.name, value } })
      return
    }
    const { key, name, data } = given as GivenEvent
    const contract = topic.events[name]
    if (!contract) throw new Error(`"${name}" is not an event of topic "${topic.name}"`)
    this.#log({ topic: topic.name, key, record: { name, value: throughAvro(contract, data) } })
  }

  /** Puts a tombstone on a topic. */
  erase(topic: EventsTopic | RowsTopic, key: string): void {
    this.#log({ topic: topic.name, key, record: null })
  }

  /** The table that a rows topic holds, by record key. */
  table<Row>(topic: RowsTopic<Row>): Map<string, Row> {
    return new Map((this.#outputs.get(topic.name) ?? new Map()) as Map<string, Row>)
  }

  /** What stands set aside now: an event that failed, until its key is erased, or a row that can't be made or written. */
  get deadLetters(): readonly DrivenFailure[] {
    return [...this.#open.values()]
  }

  /** The records written to a rows topic since the last read; a null row is a tombstone. */
  read<Row>(topic: RowsTopic<Row>): { key: string; row: Row | null }[] {
    const written = (this.#written.get(topic.name) ?? []) as { key: string; row: Row | null }[]
    this.#written.set(topic.name, [])
    return written
  }

  /** Has every worker work again on the rows of this key that an operator failed for. False: there are none. */
  retry(operator: string, key: string): boolean {
    let any = false
    for (const { tasks, partitions } of this.#instances) {
      for (const partition of partitions) if (tasks.retry(operator, partition, key)) any = true
    }
    this.#retrying ||= any
    if (any && this.#eager) this.drain()
    return any
  }

  /** Deletes a rows topic and makes it anew: every worker writes its rows again. */
  replace(topic: RowsTopic): void {
    this.#outputs.delete(topic.name)
    if (!this.#anew.includes(topic.name)) this.#anew.push(topic.name)
    for (const { tasks } of this.#instances) tasks.rewrite(this.#anew)
    if (this.#eager) this.drain()
  }

  /** Works off everything that waits. */
  drain(): void {
    while (this.#instances.some((_, worker) => this.epoch(worker, Number.POSITIVE_INFINITY))) {}
  }

  /**
   * One epoch of one worker over the records that wait, `most` per partition. With `outcome: 'crash'` the worker dies
   * before its commit and comes back from what was committed; with `'undone'` it undoes the epoch and lives on.
   * Says whether there was anything to do.
   */
  epoch(worker: number, most: number, outcome: 'commit' | 'crash' | 'undone' = 'commit'): boolean {
    const instance = this.#instances[worker]
    if (!instance) return false
    const { tasks, partitions } = instance
    const taken = new Map<number, { records: number; messages: number }>()
    const parked = new Set(this.#parked)
    let any = tasks.rewriting
    for (const partition of partitions) {
      const records = this.#waiting[partition]!.slice(0, most)
      const messages = this.#exchanged[partition]!.slice(0, most)
      taken.set(partition, { records: records.length, messages: messages.length })
      any ||= this.#retrying || records.length + messages.length > 0
      for (const message of messages) tasks.receive(partition, message)
      for (const record of records) this.#give(tasks, record)
    }
    if (!any) return false
    this.#retrying = false
    const output = tasks.run()
    if (outcome !== 'commit') this.#parked = parked
    if (outcome === 'undone') {
      tasks.rollback()
      tasks.rewrite(this.#anew)
      return true
    }
    if (outcome === 'crash') {
      instance.tasks = this.#start(partitions)
      return true
    }
    for (const [partition, { records, messages }] of taken) {
      this.#waiting[partition]!.splice(0, records)
      this.#exchanged[partition]!.splice(0, messages)
    }
    for (const { partition, key, value } of output.changelog) {
      this.largestChange = Math.max(this.largestChange, key.length + (value?.length ?? 0))
      if (value === null) this.#changelog[partition]!.delete(key)
      else this.#changelog[partition]!.set(key, value)
    }
    for (const { partition, value } of output.exchange) this.#exchanged[partition]!.push(value)
    for (const { sink, key, value } of output.outputs) this.#write(sink.topic, key, value)
    for (const { operator, partition, key } of output.mended) this.#open.delete(openKey(operator, partition, key))
    this.mended.push(...output.mended)
    for (const { operator, partition, key, error } of output.failures) {
      this.#fail(partition, { place: operator, key, message: reasonOf(error) })
    }
    tasks.commit()
    if (!this.#instances.some(({ tasks }) => tasks.rewriting)) this.#anew = []
    return true
  }

  /** Gives partitions to other workers: `owners[partition]` is the worker. State moves by changelog. */
  rebalance(owners: readonly number[]): void {
    for (const [worker, instance] of this.#instances.entries()) {
      const owned = this.#waiting.map((_, p) => p).filter((p) => owners[p] === worker)
      if (owned.join() === instance.partitions.join()) continue
      this.#instances[worker] = { partitions: owned, tasks: this.#start(owned) }
    }
  }

  /** Rows of state that all workers hold, of one operator's store or of all. */
  stateRows(store = ''): number {
    let rows = 0
    for (const changelog of this.#changelog) for (const key of changelog.keys()) if (key.startsWith(store)) rows++
    return rows
  }

  /** Kills a worker between epochs; it comes back from its changelog. */
  restart(worker: number): void {
    const instance = this.#instances[worker]
    if (instance) instance.tasks = this.#start(instance.partitions)
  }

  #log(entry: Omit<Logged, 'partition'>): void {
    const partition = partitionOf(entry.key, this.#plan.partitions)
    this.#waiting[partition]!.push({ ...entry, partition })
    if (this.#eager) this.drain()
  }

  #give(tasks: TaskSet, { topic, partition, key, record }: Logged): void {
    const source = this.#plan.sources.find((each) => each.topic.name === topic)
    if (!source) return
    if (source.kind === 'rows') {
      for (const reader of source.readers) tasks.take(reader, partition, key, record ? record.value : null)
      return
    }
    const parked = JSON.stringify([topic, key])
    if (record === null) this.#parked.delete(parked)
    else if (this.#parked.has(parked)) return
    for (const reader of source.readers) {
      if (record === null) this.#open.delete(openKey(reader.name, partition, key))
      const folded = tasks.fold(reader, partition, key, record?.name ?? '', record ? record.value : null)
      if (folded.ok) continue
      this.#fail(partition, { place: reader.name, key, message: reasonOf(folded.error) })
      this.#parked.add(parked)
    }
  }

  #fail(partition: number, failure: DrivenFailure): void {
    this.failures.push(failure)
    this.#open.set(openKey(failure.place, partition, failure.key), failure)
  }

  #write(topic: RowsTopic, key: string, value: Buffer | null): void {
    let table = this.#outputs.get(topic.name)
    if (!table) {
      table = new Map()
      this.#outputs.set(topic.name, table)
    }
    const written = value === null ? null : decoded(topic.row, value)
    if (written === null) table.delete(key)
    else table.set(key, written)
    const all = this.#written.get(topic.name) ?? []
    this.#written.set(topic.name, all)
    all.push({ key, row: written })
  }

  #start(partitions: readonly number[]): TaskSet {
    const open = (_: number, name: string, options?: StoreOptions): StateStore => new CheckedStore(name, options)
    const tasks = new TaskSet(this.#plan, open, ({ topic }, row) => avroTypeOf(topic.row).toBuffer(row))
    for (const partition of partitions) {
      tasks.add(partition)
      for (const [key, value] of this.#changelog[partition]!) tasks.load(partition, key, value)
    }
    tasks.rewrite(this.#anew)
    // What others sent before this worker started must come first, as it does for real.
    for (const partition of partitions) if (this.#exchanged[partition]!.length === 0) tasks.openDirect(partition)
    return tasks
  }
}

const openKey = (place: string, partition: number, key: string) => JSON.stringify([place, partition, key])

/** State that refuses rows which wouldn't come back from a changelog as they went in. */
class CheckedStore extends MemoryStore {
  override put(key: string, row: unknown): void {
    const back: unknown = JSON.parse(JSON.stringify(row))
    if (!sameRow(row, back)) {
      throw new EngineError(
        'NOT_PLAIN_DATA',
        `the row of "${key}" in "${this.name}" isn't plain JSON data (a Date, a Map, NaN?): ${JSON.stringify(row)}`,
      )
    }
    super.put(key, deepFreeze(row))
  }
}

/** So that a projection which changes a row it was given fails in its test. */
function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const part of Object.values(value)) deepFreeze(part)
  }
  return value
}

const avroTypes = new WeakMap<Contract<unknown>, ReturnType<typeof avroType>>()

function avroTypeOf(contract: Contract<unknown>): ReturnType<typeof avroType> {
  const type = avroTypes.get(contract) ?? avroType(contract.schema)
  avroTypes.set(contract, type)
  return type
}

function throughAvro(contract: Contract<unknown>, value: unknown): unknown {
  return decoded(contract, avroTypeOf(contract).toBuffer(value))
}

function decoded(contract: Contract<unknown>, bytes: Buffer): unknown {
  return JSON.parse(JSON.stringify(avroTypeOf(contract).fromBuffer(bytes)))
}
