import type { Clock } from '../../shared/clock.ts'
import type { Logger } from '../../shared/logger.ts'
import { type Recurring, startRecurring } from '../../shared/recurring.ts'
import type { ConnectionCache } from './connection-cache.ts'
import type { FindChanged } from './open-connection.ts'

export interface ComparingOptions {
  readonly connections: Pick<ConnectionCache, 'compare' | 'sinceComparedMs'>
  readonly findChanged: FindChanged
  readonly clock: Clock
  readonly logger: Logger
}

/** With a comparison that fails (12 s) and one that succeeds, a change is known within a minute. */
const COMPARE_EVERY_MS = 30_000
/** One that failed is tried again at the next look. */
const LOOK_EVERY_MS = 1_000

/**
 * Compares the cached connections with Postgres, whatever the notifications do: one that is lost
 * would leave a customer who disconnected with calls for as long as the process lives.
 */
export function startComparing(options: ComparingOptions): Recurring {
  const { connections, findChanged, clock, logger } = options
  return startRecurring({
    name: 'compare-connections',
    told: { begins: 'connections.compare_failed', ends: 'connections.compared_again' },
    everyMs: LOOK_EVERY_MS,
    task: async () => {
      if (connections.sinceComparedMs >= COMPARE_EVERY_MS) await connections.compare(findChanged)
    },
    clock,
    logger,
  })
}
