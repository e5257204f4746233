/** Of what a sender used up its share; the word of the log, the metric and the README. */
export const LIMIT_REASONS = [
  'requests',
  'bytes',
  'calls',
  'rejected_bytes', // requests of the source that could not be normalized are kept no more today
  'waiting_bytes', // requests of the source that wait for Postgres are kept no more today
  'unknown_tokens', // of an address
] as const

export type LimitReason = (typeof LIMIT_REASONS)[number]

export interface RateLimited {
  readonly kind: 'rate_limited'
  readonly reason: LimitReason
  readonly waitSeconds: number
}

export function rateLimited(reason: LimitReason, waitSeconds: number): RateLimited {
  return { kind: 'rate_limited', reason, waitSeconds }
}
