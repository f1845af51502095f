export { type Published, type PublishedEvents, publish, publishes, publishTombstone } from './outbox.ts'
