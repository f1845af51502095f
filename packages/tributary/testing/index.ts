export {
  type DrivenFailure,
  type DriveOptions,
  Driver,
  drive,
  type EventFor,
  type GivenEvent,
} from '../engine/testing/drive.ts'
export { type ExpectedLetter, type ExpectedPart, type GivenOptions, given, type Scenario } from './given.ts'
export {
  event,
  row,
  type Tombstone,
  type TopicEvent,
  type TopicRecord,
  type TopicRow,
  tombstone,
} from './records.ts'
export { waitUntil } from './wait-until.ts'
