import { letterId } from '#runtime/dead-letters/letter'
import type { Fetched, Position } from '../kafka/fetcher.ts'
import type { Ask } from '../letters.ts'
import { type Aside, operatorOf, operatorTopic, recordLetter } from './dead-letters.ts'
import { close, type Intake, NOT_THERE } from './intake.ts'
import type { Lost } from './lost-letters.ts'
import type { Parked, Parking } from './parking.ts'
import type { Schemas } from './schemas.ts'
import type { RowPlace, TaskSet } from './tasks.ts'

/** How many records of a topic's partition one epoch reads again: what is behind them waits for the next ones. */
const SLICE_RECORDS = 20_000

const BATCH_READ = ['replayed', 'worked off'] as const

/** Reads a partition again. */
export interface Reread {
  /** Offset of the first record that is still there. */
  earliest(topic: string, partition: number): Promise<number>
  fetch(position: Position): Promise<Fetched>
}

/** Does what people ask about dead letters: replay one, or drop it, and then what waits behind it. */
export class Replay {
  readonly #intake: Intake
  readonly #schemas: Schemas
  readonly #tasks: TaskSet
  readonly #parking: Parking
  readonly #reread: Reread
  readonly #slice: number
  /** Letters of operators' rows that somebody asked to be replayed. */
  readonly #asked = new Set<string>()
  #lost: Lost = { parked: [], rows: [] }

  constructor(
    intake: Intake,
    schemas: Schemas,
    tasks: TaskSet,
    parking: Parking,
    reread: Reread,
    slice = SLICE_RECORDS,
  ) {
    this.#slice = slice
    this.#intake = intake
    this.#schemas = schemas
    this.#tasks = tasks
    this.#parking = parking
    this.#reread = reread
  }

  /** Whether there is something to be read again. */
  get pending(): boolean {
    return this.#parking.replaying().length > 0 || this.#lost.parked.length > 0 || this.#lost.rows.length > 0
  }

  /** Has the next epoch work again on what waits without a letter: what still fails gets another one. */
  again(lost: Lost): void {
    this.#lost = lost
  }

  /** Takes in what somebody asks. What isn't open any more is passed over. */
  ask(partition: number, ask: Ask, aside: Aside): void {
    const { action, topic, offset, key } = ask
    const reason = ask.reason || 'no reason was given'
    const operator = operatorOf(topic)
    const id = ask.id ?? letterId(topic, partition, offset, key)
    if (operator !== undefined) {
      if (action === 'drop') aside.closings.push({ id, outcome: 'dropped', message: reason })
      else if (this.#retry(operator, partition, key ?? '', id)) this.#asked.add(id)
      else aside.closings.push({ id, outcome: 'superseded', message: 'its row is well, or is no more' })
      return
    }
    if (!this.#intake.reads(topic) && action === 'replay') {
      const message = 'of an internal topic nothing is worked on again: it can only be dropped'
      const record = { offset, timestamp: Date.now(), key: null, value: null, headers: () => [] }
      aside.letters.push(recordLetter('unreadable', message, topic, partition, record))
      return
    }
    const place = this.#parking.find(partition, topic, offset, key)
    const parked = place && this.#parking.get(partition, topic, place.key)
    if (!place || !parked) {
      if (action === 'drop') aside.closings.push({ id, outcome: 'dropped', message: reason })
      return
    }
    if (action === 'replay') {
      this.#schemas.forget()
      this.#parking.put(place, { ...parked, replaying: true })
      return
    }
    if (parked.ends) return
    const dropped: Parked = { at: offset + 1, letter: offset, ends: ['dropped', reason], replaying: true }
    const waits = typeof place.key === 'string' && this.#intake.waits(topic)
    if (!waits) close(aside, partition, topic, dropped)
    this.#parking.put(place, waits ? dropped : undefined)
  }

  /**
   * Reads again what is being replayed, up to where the epoch has taken its partition in: all that waits behind a letter
   * lies before that. Gives how many records it has read.
   */
  async run(takenUpTo: (topic: string, partition: number) => number, aside: Aside): Promise<number> {
    for (const { letter, ...place } of this.#lost.parked) {
      const parked = this.#parking.get(place.partition, place.topic, place.key)
      if (parked?.letter === letter) this.#parking.put(place, { ...parked, replaying: true })
    }
    for (const { operator, partition, key } of this.#lost.rows) this.#tasks.retry(operator, partition, key)
    this.#lost = { parked: [], rows: [] }
    let read = 0
    for (const { topic, partition, parked } of this.#parking.replaying()) {
      const end = takenUpTo(topic, partition)
      let at = Math.min(...[...parked.values()].map(({ at }) => at))
      at = Math.max(at, await this.#reread.earliest(topic, partition))
      for (let left = this.#slice; at < end && left > 0; ) {
        const { records, nextOffset } = await this.#reread.fetch({ topic, partition, offset: at })
        const to = await this.#again(topic, partition, records, Math.min(nextOffset, end), aside)
        left -= records.length
        read += records.length
        if (to <= at) break
        at = to
      }
      this.#reached(topic, partition, at, end, aside)
    }
    return read
  }

  /** An operator's rows that are well again. */
  mended(places: readonly RowPlace[], aside: Aside): void {
    for (const { operator, partition, key } of places) {
      const id = letterId(operatorTopic(operator), partition, -1, key)
      const outcome = this.#asked.delete(id) ? 'replayed' : 'superseded'
      aside.closings.push({ id, outcome, message: 'its row could be made, or is no more' })
    }
  }

  /** A letter's key may be cut, or not be what it was in UTF-8: then only its id tells which of the failed rows it is of. */
  #retry(operator: string, partition: number, key: string, id: string): boolean {
    const retry = (row: string) =>
      letterId(operatorTopic(operator), partition, -1, row) === id && this.#tasks.retry(operator, partition, row)
    return retry(key) || [...this.#tasks.failed(operator, partition)].some(retry)
  }

  /** Gives up to where it came. */
  async #again(
    topic: string,
    partition: number,
    records: Fetched['records'],
    end: number,
    aside: Aside,
  ): Promise<number> {
    for (const record of records) {
      if (record.offset >= end) break
      if (!(await this.#intake.replay(topic, partition, record, aside))) return record.offset
    }
    return end
  }

  /** Everything before `at` was read again: whose end that is waits for nothing any more. */
  #reached(topic: string, partition: number, at: number, end: number, aside: Aside): void {
    const now = this.#parking.replaying().find((each) => each.topic === topic && each.partition === partition)
    for (const [key, parked] of now?.parked ?? []) {
      const place = { partition, topic, key }
      const passed = parked.letter === undefined || parked.letter < at
      const done = passed && (typeof key === 'number' || at >= end)
      // A batch was read by its records; of any other letter that was passed and not met the record isn't there.
      const ends = parked.ends ?? (typeof key === 'number' ? BATCH_READ : NOT_THERE)
      if (done) {
        close(aside, partition, topic, { ...parked, ends })
        this.#parking.put(place, undefined)
      } else if (parked.at < at) {
        const { readers: _, ...rest } = parked
        this.#parking.put(place, passed ? { ...rest, at, ends } : { ...parked, at })
      }
    }
  }
}
