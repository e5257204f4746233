import type { Clock } from '../shared/clock.ts'
import { withinMs } from '../shared/deadline.ts'
import type { Logger } from '../shared/logger.ts'

/** Longest wait for Postgres, and the time after a failure in which it is not asked again. */
const QUERY_MS = 1_000

export interface UnlessAwayOptions {
  /** Event name of the line that tells of a failure. */
  readonly event: string
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * For queries that a call must not wait for. Null while Postgres is away: only the first one waits
 * for it, those behind go on at once.
 */
export function createUnlessAway({ event, clock, logger }: UnlessAwayOptions) {
  let restUntil = 0
  return async function unlessAway<T>(query: () => Promise<T>): Promise<T | null> {
    if (clock.now() < restUntil) return null
    try {
      return await withinMs(QUERY_MS, query())
    } catch (error) {
      restUntil = clock.now() + QUERY_MS
      logger.warn({ err: error }, event)
      return null
    }
  }
}
