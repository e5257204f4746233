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

export interface DatabaseGuards {
  /** For all that must not wait long. */
  readonly guard: DatabaseGuard
  /**
   * For what has no other place. It tells the others what it finds, and does not rest for what they
   * found: a look-up that was slow must not cost a call its last place.
   */
  readonly lastPlaceGuard: DatabaseGuard
}

/** What one guard tells another one. */
interface Word {
  answered(): void
  away(cause: unknown): void
}

/** Once for each process. */
export function createDatabaseGuards(options: DatabaseGuardOptions): DatabaseGuards {
  const shared = createGuard(options, null)
  return { guard: shared.guard, lastPlaceGuard: createGuard(options, shared).guard }
}

export function createDatabaseGuard(options: DatabaseGuardOptions): DatabaseGuard {
  return createDatabaseGuards(options).guard
}

function createGuard(
  { clock, logger }: DatabaseGuardOptions,
  others: Word | null,
): Word & { readonly guard: DatabaseGuard } {
  /** Null: answering. */
  let restUntil: number | null = null
  let probe: Promise<void> | null = null

  async function ask<T>(waitMs: number, work: () => Promise<T>): Promise<T> {
    try {
      const answer = await withinMs(waitMs, work())
      answered()
      return answer
    } catch (error) {
      if (error instanceof DeadlineError || isDatabaseAway(error)) {
        away(error)
        throw new DatabaseAwayError('Postgres does not answer', { cause: error })
      }
      answered()
      throw error
    }
  }

  function answered(): void {
    restUntil = null
    others?.answered()
  }

  function away(cause: unknown): void {
    others?.away(cause)
    // Calls that were under way together fail one after the other; the first one has told it, and
    // the last one must not put off the probe.
    if (restUntil === null || clock.elapsed() >= restUntil) {
      restUntil = clock.elapsed() + REST_MS
      if (!others) logger.warn({ err: cause }, 'postgres.away')
    }
  }

  const guard: DatabaseGuard = async (waitMs, work) => {
    if (probe && restUntil !== null && clock.elapsed() >= restUntil) {
      // Nothing is decided by its end, or by the deadline: what it changed is looked at below.
      await withinMs(waitMs, probe).catch(() => undefined)
    }
    if (restUntil === null) return ask(waitMs, work)
    if (probe || clock.elapsed() < restUntil) {
      throw new DatabaseAwayError('Postgres did not answer just now')
    }
    const asked = ask(waitMs, work)
    const end = () => {
      probe = null
    }
    probe = asked.then(end, end)
    return asked
  }
  return { guard, answered, away }
}
