import { inboxApp } from '#contracts/apps'
import type { Codec } from '#contracts/codec'
import { openDatabase } from '#database/connect'
import { readServiceLogin } from '#database/settings'
import { withOutbox } from '#outbox/outbox'
import { kafkaSettings, readConfig } from '#runtime/config'
import type { OpenLetter } from '#runtime/dead-letters/letter'
import { kafkaAt, kafkaOptions } from '#runtime/kafka-at'
import kafkajs from '#runtime/kafkajs'
import type { ServiceDefinition } from '#service/definition'
import { deadLettersOn } from './dead-letters.ts'
import { keyAt, type ParkedKey, parkedKeys } from './parking.ts'
import { dropKey, type Released, replayKey } from './replay.ts'

/** A service's inbox, opened to look after its parked keys. */
export interface OpenInbox extends AsyncDisposable {
  parked(): Promise<ParkedKey[]>
  /** @param topic only what waits of this one */
  replay(key: string, topic?: string): Promise<Released[]>
  drop(key: string, options: { all: boolean; reason?: string; topic?: string }): Promise<Released[]>
  /** The key that the record of a letter waits under; undefined when it doesn't wait (any more). */
  keyOf(letter: Pick<OpenLetter, 'topic' | 'partition' | 'offset'>): Promise<string | undefined>
  /** Closes a letter whose record doesn't wait. */
  forget(letter: Pick<OpenLetter, 'id'>): Promise<void>
}

/** Opens a service's inbox with the service's own login. Throws when the service subscribes to nothing. */
export async function openInbox(service: ServiceDefinition, codec: Codec): Promise<OpenInbox> {
  const { name } = service
  const login = readServiceLogin(name)
  const config = readConfig(kafkaSettings)
  if (service.subscriptions.length === 0) throw new Error(`service "${name}" subscribes to nothing, it has no inbox`)
  const db = await withOutbox(
    openDatabase(login, { application: `${name}-inbox-cli`, pool: 1 }),
    codec,
    service.publishes,
  )
  const kafka = new kafkajs.Kafka({
    clientId: `${inboxApp(name)}-cli`,
    ...kafkaOptions(kafkaAt(config)),
    logLevel: kafkajs.logLevel.NOTHING,
  })
  const producer = kafka.producer({ allowAutoTopicCreation: false })
  await producer.connect()
  const deadLetters = deadLettersOn(producer, name)
  const context = { db, codec, subscriptions: service.subscriptions, deadLetters }
  return {
    parked: () => parkedKeys(db),
    replay: (key, topic) => replayKey(context, key, topic),
    drop: (key, options) => dropKey(context, key, options),
    keyOf: ({ topic, partition, offset }) => keyAt(db, topic, partition, offset),
    forget: ({ id }) => deadLetters.close([id], 'superseded', 'it no longer waits'),
    async [Symbol.asyncDispose]() {
      await producer.disconnect()
      await db.destroy()
    },
  }
}
