export { type CatchUpOptions, type CaughtUp, catchUp } from './catch-up.ts';
export { EventError, type EventErrorCode } from './errors.ts';
export type { BillingEvent, EventOf, EventType, StreamEvent } from './event.ts';
export type { EventData } from './generated/event-data.ts';
export { createInbox, inTransaction } from './inbox.ts';
export { type Asked, type MissingEvents, type Pruned, type RestOptions, missingEvents } from './missing-events.ts';
export { type KafkaRecord, lineOf, readEvent } from './read-event.ts';
export {
  type Handler,
  type Handlers,
  type LostEvents,
  type Outcome,
  type Subscriber,
  type SubscriberOptions,
  createSubscriber,
} from './subscriber.ts';
export { isKnown, validated } from './validate.ts';
