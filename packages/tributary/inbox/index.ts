export { type Inbox, type SubscribeOptions, subscribe } from './subscribe.ts'
export {
  type EventMeta,
  type Handler,
  type Handlers,
  pgSubscription,
  type Subscription,
  subscription,
} from './subscription.ts'
