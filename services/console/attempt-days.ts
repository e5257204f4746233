import type { Clock } from '../shared/clock.ts'
import type { Logger } from '../shared/logger.ts'
import {
  type AttemptPartition,
  aloneWithAttemptDays,
  DAY_MS,
  dropAttemptPartition,
  forgetAttemptsWithoutDay,
  listAttemptPartitions,
  makeAttemptDay,
} from '../shared/postgres/attempt-days.ts'
import type { Pool, Queryable } from '../shared/postgres/pool.ts'

/**
 * For so long every console may be away before attempts land in the default partition, where
 * nothing is lost, but where old ones are deleted row by row.
 */
export const DAYS_AHEAD = 7

export const KEEP_DAYS_EVERY_MS = 60 * 60 * 1_000

/** Of the default partition in one run, so that a run ends soon; the next one goes on. */
const FORGET_ROWS = 10_000

export interface AttemptDaysPlan {
  /** Starts of UTC days, milliseconds since 1970. */
  readonly make: readonly number[]
  /** Names of partitions. */
  readonly drop: readonly string[]
  /** What ended before is too old. */
  readonly cutoff: number
}

/**
 * Which days to make and which partitions to drop. A day is made before it begins or not at all:
 * once it has begun, the default partition may hold rows of it. Only whole days go, and only those
 * that ended `retentionDays` ago, so whoever asks for 30 days gets them.
 */
export function planAttemptDays(
  now: number,
  retentionDays: number,
  partitions: readonly AttemptPartition[],
): AttemptDaysPlan {
  const today = Math.floor(now / DAY_MS) * DAY_MS
  const cutoff = today - retentionDays * DAY_MS
  const isMade = (day: number) =>
    partitions.some(({ since, until }) => (since ?? day) <= day && day < until)
  const make = Array.from(
    { length: DAYS_AHEAD },
    (_, index) => today + (index + 1) * DAY_MS,
  ).filter((day) => !isMade(day))
  const drop = partitions.filter(({ until }) => until <= cutoff).map(({ name }) => name)
  return { make, drop, cutoff }
}

export interface AttemptDaysOptions {
  readonly pool: Pool
  readonly clock: Clock
  readonly logger: Logger
  readonly retentionDays: number
}

/** Does what the plan says, in one replica at a time. What fails is tried again by the next run. */
export async function keepAttemptDays(options: AttemptDaysOptions): Promise<void> {
  const { pool, clock, logger, retentionDays } = options
  await aloneWithAttemptDays(pool, async (db) => {
    const plan = planAttemptDays(clock.now(), retentionDays, await listAttemptPartitions(db))
    for (const day of plan.make) {
      const date = new Date(day).toISOString().slice(0, 10)
      await attempt(logger, { date, action: 'make' }, () => makeAttemptDay(db, day))
    }
    for (const partition of plan.drop) {
      await attempt(logger, { partition, action: 'drop' }, () =>
        dropAttemptPartition(db, partition),
      )
    }
    await forgetStrays(db, plan.cutoff)
  })
}

function forgetStrays(db: Queryable, before: number): Promise<number> {
  return forgetAttemptsWithoutDay(db, { before, limit: FORGET_ROWS })
}

/** One day that fails (a lock that does not come) keeps the others from nothing. */
async function attempt(logger: Logger, facts: object, act: () => Promise<void>): Promise<void> {
  try {
    await act()
    logger.info(facts, 'attempt_days.changed')
  } catch (error) {
    logger.warn({ ...facts, err: error }, 'attempt_days.not_changed')
  }
}
