import { createRequire } from 'node:module'
import kafkajs from 'kafkajs'

/** The part of kafkajs's queue of requests on one connection that is mended here. */
interface RequestQueue {
  readonly pending: readonly unknown[]
  readonly throttledUntil: number
  throttleCheckTimeoutId: NodeJS.Timeout | null
  checkPendingRequests(): void
  scheduleCheckPendingRequests(): void
}

const BUSY_CONNECTION_MS = 10

/**
 * kafkajs 2.2.4 looks for pending requests over and over, also when there are none and no broker asked it to slow down:
 * the delay it computes is then negative, Node makes that 1 ms, and each connection wakes the process a thousand times
 * a second (measured: 2 % of a core for each idle process). Whatever is pending is looked for when it is queued, when an
 * answer comes, and when a throttle ends; nothing else is needed.
 */
function scheduleCheckPendingRequests(this: RequestQueue): void {
  if (this.throttleCheckTimeoutId) return
  const throttledMs = this.throttledUntil - Date.now()
  if (this.pending.length === 0 && throttledMs <= 0) return
  this.throttleCheckTimeoutId = setTimeout(
    () => {
      this.throttleCheckTimeoutId = null
      this.checkPendingRequests()
    },
    throttledMs > 0 ? throttledMs : BUSY_CONNECTION_MS,
  )
}

const internals = createRequire(import.meta.url)
const queue = internals('kafkajs/src/network/requestQueue') as { prototype: RequestQueue }
if (typeof queue.prototype.scheduleCheckPendingRequests !== 'function') {
  throw new Error('kafkajs has changed: see whether runtime/kafkajs.ts still has anything to mend')
}
queue.prototype.scheduleCheckPendingRequests = scheduleCheckPendingRequests

interface Broker {
  listOffsets(request: { replicaId?: number; isolationLevel?: number; topics: unknown }): Promise<unknown>
}

const READ_UNCOMMITTED = 0

/**
 * What kafkajs's admin calls the end of a partition (`fetchTopicOffsets`: `high`) is its last stable offset, for it asks
 * as a reader of committed records where nobody says otherwise. Behind a transaction that is still open lie others'
 * records that are committed: whoever asks whether all of a topic was worked off needs the high watermark. Consumers say
 * how they read, and keep it.
 */
const { prototype: broker } = internals('kafkajs/src/broker') as { prototype: Broker }
const { listOffsets } = broker
if (typeof listOffsets !== 'function') {
  throw new Error('kafkajs has changed: see whether its admin tells high watermarks now (runtime/kafkajs.ts)')
}
broker.listOffsets = function (this: Broker, request) {
  return listOffsets.call(this, { ...request, isolationLevel: request.isolationLevel ?? READ_UNCOMMITTED })
}

/** kafkajs, mended. Everything that stays connected takes it from here; `schemas`, which imports no folder, can't. */
export default kafkajs
