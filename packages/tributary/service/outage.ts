/** The SQLSTATE of a database error (https://www.postgresql.org/docs/current/errcodes-appendix.html). */
export function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined
}

/**
 * Classes that say nothing about the request: connection, transaction conflict (deadlock), access and missing objects
 * (a migration is due), resources, operator intervention, system and internal errors.
 */
const OUTAGE_CLASSES = /^(08|25|28|40|42|53|55|57|58|XX)/

/** Whether an error comes from the surroundings (database, network, broker), so that the same may work later. */
export function isOutage(error: unknown): boolean {
  const state = sqlState(error)
  if (state !== undefined && !/^E/.test(state)) return OUTAGE_CLASSES.test(state)
  const { code, name, message } = (error ?? {}) as { code?: string; name?: string; message?: string }
  return (
    /^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|UND_ERR)/.test(code ?? '') ||
    /^(KnexTimeoutError|KafkaJS|AggregateError)/.test(name ?? '') ||
    /Connection terminated|connection error|timeout exceeded when trying to connect|Unable to acquire a connection|fetch failed/i.test(
      message ?? '',
    )
  )
}
