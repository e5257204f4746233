import { Gauge, type Registry } from 'prom-client'
import type { Clock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import { type Recurring, startRecurring } from '../recurring.ts'
import { overdueSeconds, type Retention, removeAged } from './aged-rows.ts'
import type { Queryable } from './pool.ts'

/** Small deletes hold no lock for long. */
export const CHUNK_ROWS = 2_000

export interface CleanUpOptions {
  readonly pool: Queryable
  readonly retentions: readonly Retention[]
  readonly everyMs: number
  readonly registry: Registry
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Removes what is older than it has to be, again and again. Any number of replicas may do it. What is
 * overdue is told before each run, so that a clean-up that fails, or is slower than what comes, shows.
 */
export function startCleanUp(options: CleanUpOptions): Recurring {
  const { retentions, everyMs, registry, clock, logger } = options
  const behind = new Gauge({
    name: 'callwebhook_clean_up_behind_seconds',
    help: 'For how long the oldest row of a table has been too old: does the clean-up keep up?',
    labelNames: ['table'],
    registers: [registry],
  })
  for (const { rows } of retentions) behind.set({ table: rows.table }, 0)
  const told = (table: string, seconds: number) => behind.set({ table }, seconds)
  const task = (signal: AbortSignal) => cleanUp({ ...options, told }, signal)
  return startRecurring({ name: 'clean-up', everyMs, task, clock, logger })
}

/**
 * One run over all tables. It goes on for as long as chunks are full: with a bound to a run, a table
 * that gets more rows than that grows for ever. A table that fails keeps no other one from its turn.
 *
 * @param signal ends the run after the chunk under way.
 */
export async function cleanUp(
  {
    pool,
    retentions,
    told,
    logger,
  }: Pick<CleanUpOptions, 'pool' | 'retentions' | 'logger'> & {
    told(table: string, seconds: number): void
  },
  signal: AbortSignal,
): Promise<void> {
  for (const retention of retentions) {
    const { table } = retention.rows
    try {
      told(table, await overdueSeconds(pool, retention))
      await removeAll(pool, retention, signal)
    } catch (error) {
      logger.warn({ table, err: error }, 'clean_up.failed')
    }
  }
}

async function removeAll(
  pool: Queryable,
  retention: Retention,
  signal: AbortSignal,
): Promise<void> {
  let removed = CHUNK_ROWS
  while (removed === CHUNK_ROWS && !signal.aborted) {
    removed = await removeAged(pool, retention, CHUNK_ROWS)
  }
}
