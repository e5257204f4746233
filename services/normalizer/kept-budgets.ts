import type { Clock } from '../shared/clock.ts'
import type { SourceName } from '../shared/source-token.ts'
import { createBudget } from './budget.ts'
import { type LimitReason, type RateLimited, rateLimited } from './rate-limited.ts'
import { isWaitReason, type KeptReason, keptBytes } from './rejected-requests.ts'
import type { Webhook } from './webhook.ts'

/**
 * How much of a source's requests is kept raw in a day: what is kept lies on the disks of the brokers
 * for 30 days, and one sender must not fill them. What cannot be read is mostly junk and has a small
 * share. What waits for Postgres is calls, with a share that only a flood uses up.
 */
export interface KeptBudgets {
  /** Null: it may be kept, and is counted. Else what to answer. */
  take(webhook: Webhook, source: SourceName, reason: KeptReason): RateLimited | null
}

export interface KeptBudgetsOptions {
  readonly rejectedBytesPerDay: number
  readonly waitingBytesPerDay: number
  readonly clock: Pick<Clock, 'elapsed'>
}

const DAY_MS = 86_400_000
/** So that a provider that repeats comes again before long; most give up after a day or two. */
const REJECTED_WAIT_SECONDS_MAX = 3_600
/** An outage of Postgres is over in minutes, and then the request is taken. */
const WAITING_WAIT_SECONDS_MAX = 60

export function createKeptBudgets(options: KeptBudgetsOptions): KeptBudgets {
  const { rejectedBytesPerDay, waitingBytesPerDay, clock } = options
  const share = (reason: LimitReason, max: number, waitSecondsMax: number) => {
    return { reason, waitSecondsMax, budget: createBudget({ max, windowMs: DAY_MS, clock }) }
  }
  const rejected = share('rejected_bytes', rejectedBytesPerDay, REJECTED_WAIT_SECONDS_MAX)
  const waiting = share('waiting_bytes', waitingBytesPerDay, WAITING_WAIT_SECONDS_MAX)
  return {
    take(webhook, { id }, reason) {
      const of = isWaitReason(reason) ? waiting : rejected
      const waitSeconds = of.budget.waitSeconds(id)
      if (waitSeconds !== null) {
        return rateLimited(of.reason, Math.min(waitSeconds, of.waitSecondsMax))
      }
      of.budget.spend(id, keptBytes(webhook, reason))
      return null
    },
  }
}
