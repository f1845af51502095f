import { setTimeout as after } from 'node:timers/promises'
import { sinkApp } from '#contracts/apps'
import type { Stage } from './stages.ts'
import { type Brokers, type Marks, sameMarks } from './topics.ts'

/** The state of the domain topics behind everything that was committed in any service's database before it was begun. */
export interface Front {
  /** Counts fronts since the process began: a front holds all that was committed before a lower number was given out. */
  readonly number: number
  /** When it was begun, by the clock of this process: for people. Milliseconds since 1970. */
  readonly through: number
  readonly marks: Marks
}

/** Says what is being waited for, or that nothing is. */
export type Report = (waitingFor: string | undefined) => void

const FIRST_POLL_MS = 30
const LONGEST_POLL_MS = 400
/** The topics that a processor must know as they are for its positions to say anything. */
const topicsOf = ({ inputs, output }: Stage, front: Front) => [...inputs.filter((t) => !front.marks.has(t)), output]

/**
 * Resolves when the rows topics that a processor reads and writes are those it knows: one that was deleted and made anew
 * has other rows at the same positions, or lacks what was written to it. Gives their ids.
 */
export async function followTopics(
  stage: Stage,
  front: Front,
  brokers: Brokers,
  signal: AbortSignal,
  report: Report,
): Promise<string> {
  let ids = ''
  await until(signal, report, async () => {
    const known = await brokers.known(stage.group, topicsOf(stage, front))
    ids = known.ids
    if (known.madeAnew.length === 0) return undefined
    return `${stage.group}, since ${known.madeAnew.join(', ')} was made anew`
  })
  return ids
}

/** Whether they are still those. */
export async function sameTopics(stage: Stage, front: Front, brokers: Brokers, before: string): Promise<boolean> {
  const { madeAnew, ids } = await brokers.known(stage.group, topicsOf(stage, front))
  return madeAnew.length === 0 && ids === before
}

/**
 * Resolves when a processor has worked off its inputs up to the front, and everything that follows from it inside.
 * An input's consequences are written in the same transaction that commits its position. So what is in the internal
 * topics once the inputs are committed holds all consequences of the first hop; once that is committed, those of the
 * second; and so on, until a round finds nothing new or there were as many as a change can have hops.
 * @param internalTopics the topics it sends to itself; asked once it has read its inputs, and so has made them
 * @param rowsReady resolves when a rows topic of another read model that this one reads holds everything up to the front
 */
export async function followProcessor(
  stage: Stage,
  front: Front,
  brokers: Brokers,
  internalTopics: () => Promise<readonly string[]>,
  rowsReady: (topic: string) => Promise<void>,
  signal: AbortSignal,
  report: Report,
): Promise<void> {
  const { group, inputs } = stage
  const caughtUp = (marks: Marks) =>
    until(signal, report, async () => {
      const behind = await brokers.behind(group, marks)
      return behind.length > 0 ? `${group} on ${behind.join(', ')}` : undefined
    })

  const rowsInputs = inputs.filter((topic) => !front.marks.has(topic))
  for (const topic of rowsInputs) await rowsReady(topic)
  const events = new Map(inputs.flatMap((topic) => (front.marks.has(topic) ? [[topic, front.marks.get(topic)!]] : [])))
  await caughtUp(new Map([...events, ...(await brokers.highWatermarks(rowsInputs))]))

  const internal = stage.hops > 0 ? await internalTopics() : []
  let before: Marks | undefined
  for (let hop = 0; hop < stage.hops && internal.length > 0; hop++) {
    const marks = await brokers.highWatermarks(internal)
    if (before && sameMarks(before, marks)) return
    await caughtUp(marks)
    before = marks
  }
}

/**
 * Resolves when the sink has made everything searchable that is in the rows topic now: it commits only behind that.
 * Gives the index that this is true of.
 * @param currentIndex the newest index, once readers see it. Before the sink makes another one it winds its positions
 * back: so the index is asked for first, and the positions then tell of that one.
 */
export async function followSink(
  topic: string,
  brokers: Brokers,
  currentIndex: () => Promise<string | undefined>,
  signal: AbortSignal,
  report: Report,
): Promise<string> {
  const marks = await brokers.highWatermarks([topic])
  let index: string | undefined
  await until(signal, report, async () => {
    index = await currentIndex()
    if (index === undefined) return `${sinkApp}, which has to build the index of ${topic} again`
    const behind = await brokers.behind(sinkApp, marks)
    return behind.length > 0 ? `${sinkApp} on ${behind.join(', ')}` : undefined
  })
  return index!
}

/** Asks again and again, less often with time, until nothing is waited for any more. */
async function until(signal: AbortSignal, report: Report, waitingFor: () => Promise<string | undefined>) {
  for (let pollMs = FIRST_POLL_MS; ; pollMs = Math.min(LONGEST_POLL_MS, pollMs * 1.5)) {
    const what = await waitingFor()
    report(what)
    if (what === undefined) return
    await after(pollMs, undefined, { signal })
  }
}
