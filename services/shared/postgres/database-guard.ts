import type { Clock } from '../clock.ts'
import { DeadlineError, withinMs } from '../deadline.ts'
import { isDatabaseAway } from './pool.ts'

/** Postgres does not answer, or did not a moment ago. What it was asked may still be done. */
export class DatabaseAwayError extends Error {
  override readonly name = 'DatabaseAwayError'
}

/** Does the work, or throws DatabaseAwayError in time. Other errors of the work are passed on. */
export type DatabaseGuard = <T>(work: () => Promise<T>) => Promise<T>

export interface DatabaseGuardOptions {
  readonly waitMs: number
  readonly clock: Clock
}

/** Milliseconds after a failure in which nobody waits again: else each request would, in turn. */
const REST_MS = 1_000

export function createDatabaseGuard({ waitMs, clock }: DatabaseGuardOptions): DatabaseGuard {
  let restUntil = 0
  return async (work) => {
    if (clock.now() < restUntil) throw new DatabaseAwayError('Postgres did not answer just now')
    try {
      return await withinMs(waitMs, work())
    } catch (error) {
      if (!(error instanceof DeadlineError) && !isDatabaseAway(error)) throw error
      restUntil = clock.now() + REST_MS
      throw new DatabaseAwayError('Postgres does not answer', { cause: error })
    }
  }
}
