import { EngineError } from '../errors.ts'
import { partsOfMessage } from '../letters.ts'
import { Combine } from '../operators/combine.ts'
import { Evolve, type Folded } from '../operators/evolve.ts'
import { FlatMap } from '../operators/flat-map.ts'
import { ForeignJoin } from '../operators/foreign-join.ts'
import { ForeignLookup } from '../operators/foreign-lookup.ts'
import { ForeignSubscribe } from '../operators/foreign-subscribe.ts'
import { GroupSender } from '../operators/group-sender.ts'
import { GroupTable } from '../operators/group-table.ts'
import { Join } from '../operators/join.ts'
import { type FailureReason, Marked, Marks, type Report } from '../operators/marks.ts'
import type {
  Message,
  Operator,
  OperatorContext,
  Port,
  Receiver,
  Retryable,
  TableOperator,
} from '../operators/operator.ts'
import { ProjectRows } from '../operators/project.ts'
import { type Encode, type Output, Sink, SinkSender } from '../operators/sink.ts'
import { TableSource } from '../operators/table-source.ts'
import type { Node, TableLikeNode } from '../plan/nodes.ts'
import type { Plan } from '../plan/plan.ts'
import { changelogKey, fromChangelogKey } from '../state/keys.ts'
import type { StateStore, StoreOptions } from '../state/store.ts'
import { partitionOf } from './partitioner.ts'

/** Where a row is worked on: the operator's name, the task's partition, the row's key there. */
export interface RowPlace {
  readonly operator: string
  readonly partition: number
  readonly key: string
}

/** A row that couldn't be made, or not be written; it is left out. */
export interface RowFailure extends RowPlace {
  readonly reason: FailureReason
  readonly error: unknown
}

/** What an epoch wants written, all in one transaction. */
export interface EpochOutput {
  readonly outputs: readonly Output[]
  readonly exchange: readonly { readonly partition: number; readonly value: string }[]
  readonly changelog: readonly { readonly partition: number; readonly key: string; readonly value: string | null }[]
  readonly failures: readonly RowFailure[]
  /** Rows that had failed and are well: they could be made, or are no more. */
  readonly mended: readonly RowPlace[]
}

/** Opens the store of an operator in a partition. */
export type OpenStoreIn = (partition: number, name: string, options?: StoreOptions) => StateStore

/** All operators of a plan in one partition. */
interface Tasks {
  readonly partition: number
  readonly steps: readonly Operator[]
  readonly evolves: ReadonlyMap<Node, Evolve>
  readonly tables: ReadonlyMap<Node, TableSource>
  readonly receivers: ReadonlyMap<string, Receiver>
  readonly stores: ReadonlyMap<string, StateStore>
  /** By operator. */
  readonly marked: ReadonlyMap<string, Marked>
  /** The functions of each operator that can be run again. */
  readonly retryable: ReadonlyMap<string, readonly Retryable[]>
  /** By topic. */
  readonly sinks: ReadonlyMap<string, Sink>
}

/**
 * The tasks that one worker owns, and the epochs they run. Pure but for its state: records go in, an `EpochOutput`
 * comes out; `commit` or `rollback` follows once its transaction's outcome is known.
 *
 * An epoch steps one operator in all partitions before the next, inputs before their readers. A message to a task of
 * this worker is handed over at once and is worked off in the same epoch; only what is for other workers' tasks goes
 * through the exchange topic.
 */
export class TaskSet {
  readonly #plan: Plan
  readonly #openStore: OpenStoreIn
  readonly #encode: Encode
  readonly #tasks = new Map<number, Tasks>()
  /** Partitions that messages may be handed to directly. */
  readonly #direct = new Set<number>()
  #outputs: Output[] = []
  #exchange: { partition: number; value: string }[] = []
  #failures: RowFailure[] = []

  constructor(plan: Plan, openStore: OpenStoreIn, encode: Encode) {
    this.#plan = plan
    this.#openStore = openStore
    this.#encode = encode
  }

  get partitions(): readonly number[] {
    return [...this.#tasks.keys()]
  }

  /** Rows of state held. */
  get rows(): number {
    let rows = 0
    for (const tasks of this.#tasks.values()) for (const store of tasks.stores.values()) rows += store.size
    return rows
  }

  /** Takes on a partition, with empty state: `load` fills it. */
  add(partition: number): void {
    this.#tasks.set(partition, this.#build(partition))
  }

  /** Gives a partition up. */
  remove(partition: number): void {
    this.#tasks.delete(partition)
    this.#direct.delete(partition)
  }

  /**
   * From now on hands messages for this partition over directly. Only once everything that others sent it through
   * the exchange topic has been taken in: a message must not overtake an earlier one.
   */
  openDirect(partition: number): void {
    this.#direct.add(partition)
  }

  /** From now on sends every message through the exchange topic, until a partition is opened again. */
  closeDirect(): void {
    this.#direct.clear()
  }

  /** Takes over a changelog record. Records of operators that are no more are passed over. */
  load(partition: number, key: string, value: string | null): void {
    const [store, row] = fromChangelogKey(key) ?? []
    if (store !== undefined && row !== undefined) this.#tasks.get(partition)?.stores.get(store)?.load(row, value)
  }

  /** Takes in an event; null is a tombstone. `name` is its short name. */
  fold(reader: Node, partition: number, key: string, name: string, event: unknown): Folded {
    return this.#of(partition).evolves.get(reader)!.fold(key, name, event)
  }

  /** Takes in a record of a rows topic; null is a tombstone. */
  take(reader: Node, partition: number, key: string, row: unknown): void {
    this.#of(partition).tables.get(reader)!.take(key, row)
  }

  /**
   * Takes in a message that came through the exchange topic. Messages to operators that are no more are passed over.
   * @throws EngineError `BAD_MESSAGE` when it isn't what a worker sends
   */
  receive(partition: number, value: string): void {
    const [name, port, ...message] = partsOfMessage(value)
    if (typeof name !== 'string' || typeof port !== 'string')
      throw new EngineError('BAD_MESSAGE', 'it names no operator')
    this.#of(partition).receivers.get(`${name}/${port}`)?.receive(message)
  }

  /**
   * Works on a row again that an operator failed for, with the operator's input as it is now; part of the epoch. What
   * comes of it is among the epoch's `mended` or `failures`. False when there is no such failure (any more).
   */
  retry(operator: string, partition: number, key: string): boolean {
    const tasks = this.#tasks.get(partition)
    if (!tasks?.marked.get(operator)?.isMarked(key)) return false
    for (const { marks } of tasks.retryable.get(operator) ?? []) marks.retry(key)
    return true
  }

  /** The keys of the rows that an operator failed for in a partition, as of the last commit. */
  failed(operator: string, partition: number): Iterable<string> {
    return this.#tasks.get(partition)?.marked.get(operator)?.keys() ?? []
  }

  /**
   * Has every current row of these topics written again, some in each epoch: they were deleted and made anew, without the
   * rows that had been written. Of other topics nothing is (any more).
   */
  rewrite(topics: readonly string[]): void {
    for (const { sinks } of this.#tasks.values()) {
      for (const [topic, sink] of sinks) sink.rewrite(topics.includes(topic))
    }
  }

  /** Whether rows are still to be written again. */
  get rewriting(): boolean {
    for (const { sinks } of this.#tasks.values()) for (const sink of sinks.values()) if (sink.rewriting) return true
    return false
  }

  /** The rows that operators failed for. */
  failedRows(): RowPlace[] {
    return [...this.#tasks.values()].flatMap(({ partition, marked }) =>
      [...marked].flatMap(([operator, marks]) => Array.from(marks.keys(), (key) => ({ operator, partition, key }))),
    )
  }

  /** Works off what was taken in. */
  run(): EpochOutput {
    const all = [...this.#tasks.values()]
    const steps = all[0]?.steps.length ?? 0
    for (let i = 0; i < steps; i++) for (const tasks of all) tasks.steps[i]!.step()

    const changelog: { partition: number; key: string; value: string | null }[] = []
    for (const { partition, stores } of all) {
      for (const [name, store] of stores) {
        for (const [key, value] of store.changes()) changelog.push({ partition, key: changelogKey(name, key), value })
      }
    }
    return {
      outputs: this.#outputs,
      exchange: this.#exchange,
      changelog,
      failures: this.#failures,
      mended: this.#mended(all),
    }
  }

  /** The epoch's transaction is committed. */
  commit(): void {
    this.#end((store) => store.commit())
  }

  /** The epoch's transaction is aborted: state is as it was, and the records must be taken in again. */
  rollback(): void {
    this.#end((store) => store.rollback())
  }

  #mended(all: readonly Tasks[]): RowPlace[] {
    return all.flatMap(({ partition, marked }) =>
      [...marked].flatMap(([operator, marks]) => marks.mended().map((key) => ({ operator, partition, key }))),
    )
  }

  #end(settle: (store: StateStore) => void): void {
    for (const { stores, steps, marked } of this.#tasks.values()) {
      for (const store of stores.values()) settle(store)
      for (const step of steps) step.reset()
      for (const marks of marked.values()) marks.reset()
    }
    this.#outputs = []
    this.#exchange = []
    this.#failures = []
  }

  #of(partition: number): Tasks {
    const tasks = this.#tasks.get(partition)
    if (!tasks) throw new Error(`partition ${partition} isn't assigned to this worker`)
    return tasks
  }

  #send(operator: string, port: Port, partition: number, message: Message): void {
    if (this.#direct.has(partition)) this.#of(partition).receivers.get(`${operator}/${port}`)!.receive(message)
    else this.#exchange.push({ partition, value: JSON.stringify([operator, port, ...message]) })
  }

  #build(partition: number): Tasks {
    const { partitions } = this.#plan
    const steps: Operator[] = []
    const evolves = new Map<Node, Evolve>()
    const sources = new Map<Node, TableSource>()
    const receivers = new Map<string, Receiver>()
    const stores = new Map<string, StateStore>()
    const marked = new Map<string, Marked>()
    const retryable = new Map<string, Retryable[]>()
    const tables = new Map<Node, TableOperator>()
    const sinks = new Map<string, Sink>()
    const target = (key: string) => partitionOf(key, partitions)
    const table = (node: TableLikeNode) => tables.get(node)!

    const step = (node: Node, ...operators: (Operator & Partial<Retryable>)[]) => {
      steps.push(...operators)
      retryable.set(node.name, [...(retryable.get(node.name) ?? []), ...operators.filter(isRetryable)])
    }
    const keep = (node: Node, operator: TableOperator & Partial<Retryable>) => {
      step(node, operator)
      tables.set(node, operator)
    }

    for (const node of this.#plan.nodes) {
      const report: Report = (key, error, reason) =>
        this.#failures.push({ operator: node.name, partition, key, error, reason })
      const context: OperatorContext = {
        name: node.name,
        partition,
        partitions,
        openStore: (name, options) => {
          if (stores.has(name)) throw new Error(`two operators keep their state in a store named "${name}"`)
          const store = this.#openStore(partition, name, options)
          stores.set(name, store)
          return store
        },
        send: (port, to, message) => this.#send(node.name, port, to, message),
        marks: (part) => {
          const marks =
            marked.get(node.name) ?? new Marked(context.openStore(`${node.name}.failed`, { scannable: true }), report)
          marked.set(node.name, marks)
          return new Marks(marks, part)
        },
      }
      switch (node.kind) {
        case 'evolve': {
          const evolve = new Evolve(node, context)
          evolves.set(node, evolve)
          keep(node, evolve)
          break
        }
        case 'table': {
          const source = new TableSource(node, context)
          sources.set(node, source)
          keep(node, source)
          break
        }
        case 'project':
          keep(node, new ProjectRows(node, context, table(node.input)))
          break
        case 'flatMap':
          keep(node, new FlatMap(node, context, table(node.input)))
          break
        case 'join':
          keep(node, new Join(node, context, table(node.left), table(node.right)))
          break
        case 'combine': {
          const parts = Object.entries(node.parts).map(([part, input]) => [part, table(input)] as const)
          keep(node, new Combine(node, context, Object.fromEntries(parts)))
          break
        }
        case 'summarise': {
          const groups = new GroupTable(node, context)
          receivers.set(`${node.name}/groups`, groups)
          step(node, new GroupSender(node, context, table(node.input), target))
          keep(node, groups)
          break
        }
        case 'foreignJoin': {
          const subscribe = new ForeignSubscribe(node, context, table(node.left), target)
          const lookup = new ForeignLookup(node, context, table(node.right))
          const join = new ForeignJoin(node, context, table(node.left), subscribe.store)
          receivers.set(`${node.name}/lookup`, lookup)
          receivers.set(`${node.name}/answer`, join)
          step(node, subscribe, lookup)
          keep(node, join)
          break
        }
        case 'sink': {
          const near = new SinkSender(node, context, table(node.input), target)
          const sink = new Sink(node, context, near, this.#encode, (output) => this.#outputs.push(output))
          receivers.set(`${node.name}/claims`, sink)
          sinks.set(node.topic.name, sink)
          step(node, near, sink)
          break
        }
        default:
          node satisfies never
      }
    }
    return { partition, steps, evolves, tables: sources, receivers, stores, marked, retryable, sinks }
  }
}

function isRetryable(operator: Operator & Partial<Retryable>): operator is Operator & Retryable {
  return operator.marks !== undefined
}
