import { randomUUID } from 'node:crypto'
import type { Contract } from '#contracts/contract'
import type { Plan } from '../plan/plan.ts'
import { MemoryStore } from '../state/memory.ts'
import { Parking } from './parking.ts'
import { Positions } from './positions.ts'
import { formOf, StateForms } from './state-form.ts'
import { TaskSet } from './tasks.ts'

/**
 * What a worker holds of its partitions, and whether that is committed.
 *
 * Each commit leaves a stamp beside the positions of every partition it owns. After an error the outcome of the last
 * transaction is unknown; the stamps, read back once the broker has settled it, tell whether it was committed, and
 * for each partition whether the state held here is still the last one.
 */
export class WorkerState {
  readonly tasks: TaskSet
  readonly parking = new Parking()
  readonly positions = new Positions()
  readonly forms: StateForms
  /** Outputs whose rows are being written again. */
  anew: readonly string[] = []
  /** The stamp that each partition's state stands at. */
  readonly #stamps = new Map<number, string>()
  readonly #id = randomUUID().slice(0, 8)
  #epoch = 0
  #unsettled: string | undefined

  constructor(plan: Plan, encode: <T>(contract: Contract<T>, row: T) => Buffer) {
    this.forms = new StateForms(formOf(plan))
    this.tasks = new TaskSet(
      plan,
      (_, name, options) => new MemoryStore(name, options),
      ({ topic }, row) => encode(topic.row, row),
    )
  }

  /** From here on the tasks hold what isn't committed: whatever goes wrong, it must be settled. Gives the epoch's stamp. */
  begin(): string {
    this.#unsettled = `${this.#id}-${++this.#epoch}`
    return this.#unsettled
  }

  /** Nothing was taken in after all. */
  nothingBegun(): void {
    this.#unsettled = undefined
  }

  /** The epoch's transaction was committed, for these partitions. */
  commit(
    partitions: readonly number[],
    positions: ReturnType<Positions['changes']>,
    forms: ReturnType<StateForms['changes']>,
  ): void {
    this.positions.commit(positions)
    this.forms.commit(forms)
    this.#keep(partitions)
  }

  /**
   * Learns from the stamps read back whether the transaction of unknown outcome was committed. Undefined: there is none.
   */
  settle(stamps: readonly string[]): 'committed' | 'undone' | undefined {
    if (this.#unsettled === undefined) return undefined
    if (stamps.includes(this.#unsettled)) {
      this.#keep(this.tasks.partitions)
      return 'committed'
    }
    this.tasks.rollback()
    this.parking.rollback()
    this.#unsettled = undefined
    return 'undone'
  }

  /** Lets go of what others own or went on with, and makes room for what is to be restored, whose partitions it gives. */
  own(partitions: readonly number[], stampOf: (partition: number) => string): readonly number[] {
    this.remove(this.tasks.partitions.filter((p) => !partitions.includes(p) || stampOf(p) !== this.#stamps.get(p)))
    const fresh = partitions.filter((partition) => !this.tasks.partitions.includes(partition))
    for (const partition of fresh) {
      this.tasks.add(partition)
      this.#stamps.set(partition, stampOf(partition))
    }
    return fresh
  }

  /** Takes over a changelog record. */
  load(partition: number, key: string, value: string | null): void {
    if (this.forms.load(partition, key, value)) return
    if (this.positions.load(partition, key, value) || this.parking.load(partition, key, value)) return
    this.tasks.load(partition, key, value)
  }

  remove(partitions: readonly number[]): void {
    for (const partition of partitions) {
      this.tasks.remove(partition)
      this.parking.remove(partition)
      this.positions.remove(partition)
      this.forms.remove(partition)
    }
  }

  #keep(partitions: readonly number[]): void {
    this.tasks.commit()
    this.parking.commit()
    for (const partition of partitions) this.#stamps.set(partition, this.#unsettled!)
    this.#unsettled = undefined
  }
}
