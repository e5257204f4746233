import type { Clock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import { createTrouble } from '../trouble.ts'
import { isDatabaseAway, isDatabaseMissing } from './pool.ts'

/**
 * The tables of a service that may start while Postgres is away: one that holds a call in Kafka alone is
 * better than none, of which a provider gets no answer. They are brought up to date as soon as Postgres
 * is back, and until then nobody uses them (`areReady`): a statement of this version would fail on tables
 * of the one before, and be taken for a bug.
 */
export interface LateTables {
  readonly areReady: boolean
  /** Rejects when they cannot be brought up to date for another reason than that Postgres is away. */
  readonly whenReady: Promise<void>
  stop(): Promise<void>
}

export interface LateTablesOptions {
  readonly migrate: () => Promise<void>
  readonly clock: Clock
  readonly logger: Logger
}

const TRY_AGAIN_MS = 1_000

/** Resolves after the first try. @throws the error of Postgres when it answers, and refuses. */
export async function prepareTables(options: LateTablesOptions): Promise<LateTables> {
  const { migrate, clock, logger } = options
  const stopping = new AbortController()
  const [begins, ends] = ['postgres.migration_postponed', 'postgres.migrated_late']
  const trouble = createTrouble({ begins, ends, clock, logger })
  let areReady = await tryOnce()

  /** False: Postgres is away. */
  async function tryOnce(): Promise<boolean> {
    try {
      await migrate()
      trouble.over()
      return true
    } catch (error) {
      if (!isDatabaseAway(error) || isDatabaseMissing(error)) throw error
      trouble.met(error)
      return false
    }
  }

  async function untilReady(): Promise<void> {
    while (!areReady) {
      // Rejects when it is stopped, which is nobody's news.
      await clock.sleep(TRY_AGAIN_MS, stopping.signal)
      areReady = await tryOnce()
    }
  }

  const whenReady = untilReady().catch((error: unknown) => {
    if (stopping.signal.aborted) return new Promise<void>(() => undefined)
    throw error
  })
  // Whoever waits for it hears of it; until somebody does, it must not end the process.
  whenReady.catch(() => undefined)
  return {
    get areReady() {
      return areReady
    },
    whenReady,
    // A try under way may wait for a lock for minutes, and ends with the process.
    stop: async () => stopping.abort(),
  }
}
