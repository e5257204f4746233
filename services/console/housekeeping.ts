import type { Registry } from 'prom-client'
import type { Clock } from '../shared/clock.ts'
import type { Logger } from '../shared/logger.ts'
import type { Retention } from '../shared/postgres/aged-rows.ts'
import { failLostBackfills } from '../shared/postgres/backfills.ts'
import { startCleanUp } from '../shared/postgres/clean-up.ts'
import type { Pool } from '../shared/postgres/pool.ts'
import { startRecurring } from '../shared/recurring.ts'
import { KEEP_DAYS_EVERY_MS, keepAttemptDays } from './attempt-days.ts'
import { eraseWorkspaces } from './erase-workspaces.ts'

/** So long a back-fill that nobody will begin is shown as queued beyond its time. */
const FAIL_LOST_EVERY_MS = 10_000
/** So long, at most, rows of a deleted workspace wait for their removal to begin. */
const ERASE_EVERY_MS = 10_000
/** Nobody misses a row that goes an hour late, and tables without an index are read each time. */
const CLEAN_UP_EVERY_MS = 60 * 60 * 1_000

export interface HousekeepingOptions {
  readonly pool: Pool
  /** Days for which attempts are kept. */
  readonly retentionDays: number
  /** What else is kept, and for how long. */
  readonly retentions: readonly Retention[]
  readonly registry: Registry
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
    startRecurring({
      name: 'erase-workspaces',
      everyMs: ERASE_EVERY_MS,
      task: (signal) => eraseWorkspaces(options, signal),
      clock,
      logger,
    }),
    startCleanUp({ ...options, everyMs: CLEAN_UP_EVERY_MS }),
  ]
  return {
    async stop() {
      await Promise.all(tasks.map((task) => task.stop()))
    },
  }
}
