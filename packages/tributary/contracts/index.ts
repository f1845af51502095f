export { inboxApp, processorApp, sinkApp } from './apps.ts'
export { type Codec, memoryCodec, openCodec } from './codec.ts'
export { type AvroSchema, type Contract, contract, type Instant, type ValueOf } from './contract.ts'
export { type Id, type KeyFor, type KeyParts, type NumberKey, type Plain, type RecordKey, recordKey } from './key.ts'
export {
  type DeadLetterTopic,
  deadLettersOf,
  type EventsOf,
  type EventsTopic,
  eventsTopic,
  type KeyedEventsTopic,
  type KeysOf,
  type RowsTopic,
  rowsTopic,
  type Topic,
} from './topic.ts'
