export { type EventMeta, type Handler, type Subscription, subscription } from './subscription.ts'
