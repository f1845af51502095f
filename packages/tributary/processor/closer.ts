import { setTimeout as after } from 'node:timers/promises'
import { processorApp } from '#contracts/apps'
import { deadLettersOf } from '#contracts/topic'
import { askRecord } from '#engine/letters'
import type { Closer } from '#runtime/dead-letters/cli'
import { type OpenLetter, readLetter } from '#runtime/dead-letters/letter'
import { type KafkaAt, kafkaOptions } from '#runtime/kafka-at'
import kafkajs from '#runtime/kafkajs'
import { readTopics } from '#runtime/topic-reader'

/** How long a worker may take to answer, in ms. */
const ANSWER_MS = 60_000

export interface ProcessorsCloserOptions {
  readonly brokers: KafkaAt
  /** By name. */
  readonly topologies: ReadonlyMap<string, unknown>
}

/** Deals with the dead letters of processors: asks the worker that has the letter's partition, which must be running. */
export function processorsCloser({ brokers, topologies }: ProcessorsCloserOptions): Closer {
  const kafka = new kafkajs.Kafka({
    clientId: 'tributary-dead-letters',
    ...kafkaOptions(brokers),
    logLevel: kafkajs.logLevel.NOTHING,
  })
  const ask = async (letter: OpenLetter, action: 'replay' | 'drop', reason?: string): Promise<string> => {
    const answers = answersTo(brokers, letter)
    try {
      await until(answers.listens, `the dead letters of ${letter.app} can't be read`)
      const producer = kafka.producer({ allowAutoTopicCreation: false, idempotent: true, maxInFlightRequests: 1 })
      await producer.connect()
      try {
        const { topic, partition, value } = askRecord(letter, action, reason)
        await producer.send({ topic, acks: -1, messages: [{ partition, value }] })
      } finally {
        await producer.disconnect()
      }
      await until(
        () => answers.answer() !== undefined,
        `${letter.app} hasn't answered within ${ANSWER_MS / 1_000} s: it does so once it runs and is well`,
      )
    } finally {
      await answers.stop()
    }
    const answer = answers.answer()!
    if (answer.failed) throw new Error(`it failed again: ${answer.text}`)
    return answer.text
  }
  return {
    apps: [...topologies.keys()].map(processorApp),
    replay: (letter) => ask(letter, 'replay'),
    drop: (letter, reason) => ask(letter, 'drop', reason),
  }
}

/** What is written of a letter from now on: its closing, or the letter again. */
function answersTo(brokers: KafkaAt, letter: OpenLetter) {
  let answer: { readonly failed: boolean; readonly text: string } | undefined
  let listens = false
  const reader = readTopics({
    brokers,
    clientId: 'tributary-dead-letters',
    topics: [deadLettersOf(letter.app).name],
    maxWaitMs: 200,
    startAt: () => BigInt(letter.place + 1),
    take({ messages }) {
      if (!listens) return
      for (const { key, value, headers, offset } of messages) {
        const named = Object.entries(headers ?? {}).map(([name, content]) => {
          return [name, Buffer.from([content ?? ''].flat()[0]!)] as const
        })
        const read = readLetter({ key, value, headers: named, offset: Number(offset) })
        if (!read) continue
        if ('closing' in read) {
          const { id, outcome, message } = read.closing
          if (id === letter.id) answer = { failed: false, text: `${outcome}: ${message}` }
        } else if (read.letter.id === letter.id) answer = { failed: true, text: read.letter.message }
      }
    },
  })
  return {
    listens: () => {
      listens ||= reader.caughtUp()
      return listens
    },
    answer: () => answer,
    stop: reader.stop,
  }
}

async function until(condition: () => boolean, otherwise: string): Promise<void> {
  const deadline = performance.now() + ANSWER_MS
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(otherwise)
    await after(10)
  }
}
