/** `publish` was called on a connection that isn't in a transaction: the event could outlive a rolled-back change. */
export class NotInTransaction extends Error {
  override readonly name = 'NotInTransaction'
  constructor(event: string) {
    super(
      `${event}: publish needs the transaction of the business change: call it inside db.transaction(...), ` +
        `or with a pg client (not a pool) after await client.query('begin')`,
    )
  }
}

/** The database was opened without an outbox. */
export class NoOutbox extends Error {
  override readonly name = 'NoOutbox'
  constructor(event: string) {
    super(`${event}: this database has no outbox: open it with withOutbox(...), before its clients are taken`)
  }
}

/** The service doesn't publish this event: there is no key for it. */
export class NotOurEvent extends Error {
  override readonly name = 'NotOurEvent'
  constructor(event: string, service: string) {
    super(`${event} is not among the events of service "${service}": list it in producers/${service}/events.ts`)
  }
}

/** A value of the event breaks a rule of schemas/rules.json. */
export class RuleBroken extends Error {
  override readonly name = 'RuleBroken'
  readonly faults: readonly string[]
  constructor(event: string, faults: readonly string[]) {
    super(`${event}: ${faults.join('; ')}`)
    this.faults = faults
  }
}

/** The encoded event is larger than the outbox takes. */
export class PayloadTooLarge extends Error {
  override readonly name = 'PayloadTooLarge'
  constructor(event: string, key: string, bytes: number, limit: number) {
    super(
      `${event} of "${key}" has ${bytes} bytes, the outbox takes ${limit}: publish a reference to large data instead of the data`,
    )
  }
}

/** A transaction that holds its events back was about to commit without them. */
export class EventsNotWritten extends Error {
  override readonly name = 'EventsNotWritten'
  constructor(count: number) {
    super(`${count} events are held back and not written: call writeHeld(trx) before the transaction ends`)
  }
}
