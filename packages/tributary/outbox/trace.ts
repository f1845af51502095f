import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'

/** W3C Trace Context, version 00 (https://www.w3.org/TR/trace-context/#traceparent-header). */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

const current = new AsyncLocalStorage<string>()

/** Runs `work` within a trace: events published inside carry it. A malformed traceparent is ignored, as W3C asks. */
export function inTrace<T>(traceparent: string | undefined, work: () => T): T {
  return traceparent !== undefined && TRACEPARENT.test(traceparent) ? current.run(traceparent, work) : work()
}

/**
 * The trace an event belongs to. Where nobody began one, the event begins one that isn't sampled: a header with a
 * value for every subscriber, instead of a header whose value is null.
 */
export function traceparent(): string {
  return current.getStore() ?? `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-00`
}
