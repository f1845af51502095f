/** Everything the engine itself can refuse or fail with. `canRetry`: the same attempt may succeed later. */
export const engineErrors = {
  PLAN_INVALID: { canRetry: false },
  NOT_COPARTITIONED: { canRetry: false },
  NOT_PLAIN_DATA: { canRetry: false },
  NOT_AN_INTEGER: { canRetry: false },
  SUM_TOO_LARGE: { canRetry: false },
  COLLECT_TOO_LARGE: { canRetry: false },
  ROW_TOO_LARGE: { canRetry: false },
  TOPIC_MISSING: { canRetry: true },
  PARTITIONS_DIFFER: { canRetry: false },
  BROKER_UNAVAILABLE: { canRetry: true },
  FENCED: { canRetry: true },
  OUTCOME_UNKNOWN: { canRetry: true },
  REBALANCED: { canRetry: true },
  POSITION_LOST: { canRetry: true },
  TOPIC_REPLACED: { canRetry: true },
  CHANGELOG_UNREADABLE: { canRetry: true },
  STATE_OF_ANOTHER_FORM: { canRetry: true },
  BAD_MESSAGE: { canRetry: false },
  RECORD_TOO_LARGE: { canRetry: false },
  BROKER_REFUSED: { canRetry: false },
} as const

export type EngineErrorCode = keyof typeof engineErrors

/** An error of the engine: what happened, to which thing, and what to do. */
export class EngineError extends Error {
  override readonly name = 'EngineError'
  readonly code: EngineErrorCode
  readonly canRetry: boolean

  constructor(code: EngineErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.canRetry = engineErrors[code].canRetry
  }
}
