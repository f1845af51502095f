import { Problem } from '#runtime/http/problem'

/**
 * A command the business refuses. `retryable` says whether the same command may succeed later without anybody
 * changing it: the service doesn't know *yet* of what it refers to.
 */
export class Refusal extends Problem {
  override readonly name = 'Refusal'
  constructor(status: number, code: string, detail: string, retryable: boolean) {
    super(status, { code, detail, retryable })
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
