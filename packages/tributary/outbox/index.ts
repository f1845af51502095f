export {
  type Published,
  type PublishedEvents,
  publish,
  publishes,
  publishTombstone,
  withOutbox,
} from './outbox.ts'
export type { Republishable } from './republish.ts'
