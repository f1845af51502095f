import { EngineError } from '../errors.ts'

/** The broker's name for what went wrong (`NOT_COORDINATOR`, …), or `NETWORK` when no answer came. */
export function faultOf(error: unknown): string {
  if (error instanceof EngineError) return error.code
  if (typeof error !== 'object' || error === null) return 'UNKNOWN'
  const { apiId, errors, code } = error as { apiId?: string; errors?: unknown[]; code?: string }
  if (apiId) return apiId
  const [first] = errors ?? []
  if (first) return faultOf(first)
  return code?.startsWith('PLT_KFK') || (code && /^E[A-Z]+$/.test(code)) ? 'NETWORK' : 'UNKNOWN'
}

/**
 * Answers of a broker that the same attempt later won't change, and why: the process ends with them, and says so.
 * Everything else is tried again with a new session: new connections, a new producer, and what was committed read back.
 */
export const finalFaults: Readonly<Record<string, string>> = {
  ...all('this login may not do it: its rights have to be given first', [
    'TOPIC_AUTHORIZATION_FAILED',
    'GROUP_AUTHORIZATION_FAILED',
    'CLUSTER_AUTHORIZATION_FAILED',
    'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
    'DELEGATION_TOKEN_AUTHORIZATION_FAILED',
    'SASL_AUTHENTICATION_FAILED',
    'UNSUPPORTED_SASL_MECHANISM',
    'ILLEGAL_SASL_STATE',
    'SECURITY_DISABLED',
    'UNACCEPTABLE_CREDENTIAL',
  ]),
  ...all('this broker is too old, or too new, for what is asked', [
    'UNSUPPORTED_VERSION',
    'UNSUPPORTED_FOR_MESSAGE_FORMAT',
    'UNSUPPORTED_COMPRESSION_TYPE',
    'UNSUPPORTED_ENDPOINT_TYPE',
    'MISMATCHED_ENDPOINT_TYPE',
  ]),
  ...all('the request itself is wrong, and would be again', [
    'INVALID_REQUEST',
    'INVALID_TOPIC_EXCEPTION',
    'INVALID_PARTITIONS',
    'INVALID_REPLICATION_FACTOR',
    'INVALID_REPLICA_ASSIGNMENT',
    'INVALID_CONFIG',
    'INVALID_GROUP_ID',
    'INVALID_SESSION_TIMEOUT',
    'INVALID_REQUIRED_ACKS',
    'INVALID_TRANSACTION_TIMEOUT',
    'INVALID_FETCH_SIZE',
    'INVALID_PRINCIPAL_TYPE',
    'INCONSISTENT_GROUP_PROTOCOL',
    'POLICY_VIOLATION',
    'TOPIC_DELETION_DISABLED',
  ]),
  ...all('what is written is refused, and would be again', [
    'MESSAGE_TOO_LARGE',
    'RECORD_LIST_TOO_LARGE',
    'INVALID_RECORD',
    'INVALID_TIMESTAMP',
    'OFFSET_METADATA_TOO_LARGE',
    'INVALID_COMMIT_OFFSET_SIZE',
  ]),
}

function all(why: string, faults: readonly string[]): Record<string, string> {
  return Object.fromEntries(faults.map((fault) => [fault, why]))
}

/** Whether an error came from the broker or the way to it, so that trying again later may help. */
export function isInfrastructure(error: unknown): boolean {
  if (error instanceof EngineError) return error.canRetry
  const fault = faultOf(error)
  return fault !== 'UNKNOWN' && !(fault in finalFaults)
}
