import type { Clock } from '../shared/clock.ts'
import type { Logger } from '../shared/logger.ts'
import { failLostBackfills } from '../shared/postgres/backfills.ts'
import type { Pool } from '../shared/postgres/pool.ts'
import { startRecurring } from '../shared/recurring.ts'
import { KEEP_DAYS_EVERY_MS, keepAttemptDays } from './attempt-days.ts'

/** So long a back-fill that nobody will begin is shown as queued beyond its time. */
const FAIL_LOST_EVERY_MS = 10_000

export interface HousekeepingOptions {
  readonly pool: Pool
  /** Days for which attempts are kept. */
  readonly retentionDays: number
  readonly clock: Clock
  readonly logger: Logger
}

/** What a console does to the tables that nobody asks it for. Any number of replicas may do it. */
export function startHousekeeping(options: HousekeepingOptions): { stop(): Promise<void> } {
  const { pool, clock, logger } = options
  const tasks = [
    startRecurring({
      name: 'attempt-days',
      everyMs: KEEP_DAYS_EVERY_MS,
      task: () => keepAttemptDays(options),
      clock,
      logger,
    }),
    startRecurring({
      name: 'lost-backfills',
      everyMs: FAIL_LOST_EVERY_MS,
      task: () => failLostBackfills(pool),
      clock,
      logger,
    }),
  ]
  return {
    async stop() {
      await Promise.all(tasks.map((task) => task.stop()))
    },
  }
}
