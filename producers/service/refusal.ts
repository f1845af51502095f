/**
 * A command the business refuses. `retryable` says whether the same command may succeed later without anybody
 * changing it: the service doesn't know *yet* of what it refers to.
 */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: number
  readonly code: string
  readonly retryable: boolean
  constructor(status: number, code: string, message: string, retryable: boolean) {
    super(message)
    this.status = status
    this.code = code
    this.retryable = retryable
  }
}

/** 409: against the present state of things. */
export const conflict = (code: string, message: string) => new Refusal(409, code, message, false)
/** 409: refers to something this service has not heard of yet. */
export const notKnownYet = (code: string, message: string) => new Refusal(409, code, message, true)
/** 404: no such thing in this service. */
export const notFound = (code: string, message: string) => new Refusal(404, code, message, false)
/** 400: contradicts itself. */
export const invalid = (message: string) => new Refusal(400, 'invalid', message, false)
