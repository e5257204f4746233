import type { Clock } from '../clock.ts'
import { DeadlineError, withinMs } from '../deadline.ts'
import type { Logger } from '../logger.ts'
import { isDatabaseAway } from './pool.ts'

/**
 * What all users of Postgres within a process know of it together. Each for itself, a webhook
 * would wait at every step that asks it, in sum longer than its sender waits for an answer.
 *
 * - Answering: every call goes through. Until one fails with its connection, or within its limit.
 * - Resting, for REST_MS: every call fails at once. Until then, or until a call that began earlier
 *   is answered after all.
 * - Probing: one call goes through, the others wait for what becomes of it: refused meanwhile, an
 *   entry of the spool would be lost although Postgres is back. Then answering, or resting again.
 *
 * An error about the statement (a constraint, bad data, a missing right) is an answer of Postgres.
 */
export type DatabaseGuard =
  /**
   * Does the work, or throws DatabaseAwayError: when it takes longer than `waitMs`, or when nobody
   * is to wait. Other errors of the work are passed on.
   */
  <T>(waitMs: number, work: () => Promise<T>) => Promise<T>

/** Postgres does not answer, or did not a moment ago. What it was asked may still be done. */
export class DatabaseAwayError extends Error {
  override readonly name = 'DatabaseAwayError'
}

export interface DatabaseGuardOptions {
  readonly clock: Clock
  readonly logger: Logger
}

const REST_MS = 1_000

/** One for each process, handed to all that must not wait long. */
export function createDatabaseGuard({ clock, logger }: DatabaseGuardOptions): DatabaseGuard {
  /** Null: answering. */
  let restUntil: number | null = null
  let probe: Promise<void> | null = null

  async function ask<T>(waitMs: number, work: () => Promise<T>): Promise<T> {
    try {
      const answer = await withinMs(waitMs, work())
      restUntil = null
      return answer
    } catch (error) {
      if (error instanceof DeadlineError || isDatabaseAway(error)) throw away(error)
      restUntil = null
      throw error
    }
  }

  function away(cause: unknown): DatabaseAwayError {
    // Calls that were under way together fail one after the other; the first one has told it, and
    // the last one must not put off the probe.
    if (restUntil === null || clock.now() >= restUntil) {
      restUntil = clock.now() + REST_MS
      logger.warn({ err: cause }, 'postgres.away')
    }
    return new DatabaseAwayError('Postgres does not answer', { cause })
  }

  return async (waitMs, work) => {
    if (probe && restUntil !== null && clock.now() >= restUntil) {
      // Nothing is decided by its end, or by the deadline: what it changed is looked at below.
      await withinMs(waitMs, probe).catch(() => undefined)
    }
    if (restUntil === null) return ask(waitMs, work)
    if (probe || clock.now() < restUntil) {
      throw new DatabaseAwayError('Postgres did not answer just now')
    }
    const asked = ask(waitMs, work)
    const end = () => {
      probe = null
    }
    probe = asked.then(end, end)
    return asked
  }
}
