import { parseDelay } from '../../shared/delay.ts'
import type { ErrorClass } from '../../shared/egress/error-class.ts'
import type { FailureVerdict } from './lane-command.ts'

/** When a failed head is tried again, and when it is given up: growing delays, spread a little. */

/** One step of the retry schedule, as it is written in `DISPATCHER_RETRY_TIERS`: `30s`, `2m`, `6h`. */
export interface RetryTier {
  readonly label: string
  readonly delayMs: number
}

/**
 * @throws Error naming the entry that is no delay, or not longer than the one before it: delays
 * that do not grow would hammer an endpoint that is down.
 */
export function parseTiers(labels: readonly string[]): readonly RetryTier[] {
  if (labels.length === 0) throw new Error('at least one delay is needed, such as 5s')
  let before = 0
  return labels.map((label) => {
    const delayMs = parseDelay(label)
    if (delayMs === null) throw new Error(`"${label}" is no delay: write 30s, 2m or 6h`)
    if (delayMs <= before) throw new Error(`"${label}" does not grow: delays have to ascend`)
    before = delayMs
    return { label, delayMs }
  })
}

/** Lanes that failed together must not come back together. */
export const JITTER = 0.1

export interface FailedAttempt {
  /** 1 for the first. */
  readonly attempt: number
  readonly errorClass: ErrorClass
  readonly retryAfterMs: number | null
}

/** An endpoint that is alive and refuses this one event will go on refusing it. */
export const REJECTED_ATTEMPTS_MAX = 3

/** One attempt, and one more after each tier. `random` is in [0, 1). */
export function planNextAttempt(
  tiers: readonly RetryTier[],
  failed: FailedAttempt,
  now: number,
  random: number,
): FailureVerdict {
  if (failed.errorClass === 'rejected' && failed.attempt >= REJECTED_ATTEMPTS_MAX) {
    return { kind: 'dead-letter', reason: 'rejected' }
  }
  const tier = tiers[failed.attempt - 1]
  if (tier === undefined) return { kind: 'dead-letter', reason: 'attempts_exhausted' }
  const jittered = tier.delayMs * (1 + JITTER * (2 * random - 1))
  const delayMs = Math.round(Math.max(jittered, failed.retryAfterMs ?? 0))
  return { kind: 'retry', tier: tier.label, dueAt: now + delayMs }
}
