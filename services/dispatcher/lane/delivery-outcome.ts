import { classOfStatus, type ErrorClass } from '../../shared/egress/error-class.ts'

/**
 * What became of one HTTP attempt. The answer alone decides; the clock and the number of the
 * attempt belong to the retry policy. The words are the same in log, metric, table and console.
 */
export type DeliveryOutcome =
  | { readonly kind: 'delivered'; readonly status: number }
  | {
      readonly kind: 'failed'
      readonly errorClass: ErrorClass
      /** Null when there was no answer. */
      readonly status: number | null
      /** The endpoint asked for a pause of this many milliseconds. */
      readonly retryAfterMs: number | null
    }
  /** Ended by our side (shutdown, partition taken away): no attempt is spent. */
  | { readonly kind: 'interrupted' }

/** Longest pause that we let an endpoint ask for. */
export const RETRY_AFTER_MAX_MS = 3_600_000

export function outcomeOfStatus(
  status: number,
  retryAfter: string | null,
  now: number,
): DeliveryOutcome {
  const errorClass = classOfStatus(status)
  if (errorClass === null) return { kind: 'delivered', status }
  const mayAsk = status === 429 || status === 503
  return {
    kind: 'failed',
    errorClass,
    status,
    retryAfterMs: mayAsk ? retryAfterMs(retryAfter, now) : null,
  }
}

/**
 * `Retry-After` in seconds or as an HTTP date (RFC 9110, 10.2.3), clamped to an hour; null for
 * anything else. A sender that fed absurd values into its clock has crashed on them (Svix 1.105).
 */
export function retryAfterMs(header: string | null, now: number): number | null {
  if (header === null) return null
  const text = header.trim()
  if (/^\d{1,10}$/.test(text)) return Math.min(Number(text) * 1000, RETRY_AFTER_MAX_MS)
  if (/^\d+$/.test(text)) return RETRY_AFTER_MAX_MS
  const date = HTTP_DATE.test(text) ? Date.parse(`${text.replace(/ GMT$/, '')} GMT`) : Number.NaN
  if (Number.isNaN(date)) return null
  return Math.min(Math.max(date - now, 0), RETRY_AFTER_MAX_MS)
}

/** All three forms begin with the day's name; the oldest (asctime) does not say that it is UTC. */
const HTTP_DATE = /^[A-Za-z]{3,9},? /
