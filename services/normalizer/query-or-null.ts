import type { Logger } from '../shared/logger.ts'
import { DatabaseAwayError, type DatabaseGuard } from '../shared/postgres/database-guard.ts'

const WAIT_MS = 1_000

export interface QueryOrNullOptions {
  readonly guard: DatabaseGuard
  /** Event name of the line that tells of a query that failed by itself. */
  readonly event: string
  readonly logger: Logger
  /** What the caller deals with by itself is passed on. */
  readonly isForCaller?: (error: unknown) => boolean
}

/**
 * For queries that a call must neither wait for nor fail with. Null while Postgres is away, which
 * the guard tells; null as well when the query fails by itself, for a bug or a row that is bad.
 * That says nothing of the next query, which is asked at once.
 */
export function createQueryOrNull(options: QueryOrNullOptions) {
  const { guard, event, logger, isForCaller } = options
  return async function queryOrNull<T>(query: () => Promise<T>): Promise<T | null> {
    try {
      return await guard(WAIT_MS, query)
    } catch (error) {
      if (isForCaller?.(error)) throw error
      if (!(error instanceof DatabaseAwayError)) logger.error({ err: error }, event)
      return null
    }
  }
}
