/**
 * Why we did not even connect: the address in the URL is not allowed, the name has none, or the name
 * leads to one that is not allowed.
 */
export type EgressErrorCode = 'BLOCKED_ADDRESS' | 'LOOKUP_FAILED' | 'NOT_PUBLIC'

/**
 * Not a subclass of UndiciError: that one overrides `Symbol.hasInstance`, so that any subclass
 * matches every error of undici. Both are told apart by `code`.
 */
export class EgressError extends Error {
  readonly code: EgressErrorCode

  constructor(code: EgressErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'EgressError'
    this.code = code
  }
}
