import type { Clock } from '../../shared/clock.ts'
import type { Logger } from '../../shared/logger.ts'
import { missedDeadLetters } from '../../shared/postgres/dead-letters.ts'
import {
  addDeletedGap,
  extendGap,
  missedGaps,
  suspendConnection,
} from '../../shared/postgres/gaps.ts'
import type { Queryable } from '../../shared/postgres/pool.ts'
import type { GapLog } from '../topics/lane-runner.ts'

const TRY_AGAIN_MS = 500

/**
 * Gaps in Postgres. Each statement is tried until it got through: the lane waits meanwhile, since
 * an event that is passed over outside of a recorded gap would be lost without a trace.
 */
export function createGapLog(db: Queryable, clock: Clock, logger: Logger): GapLog {
  async function untilDone<T>(name: string, statement: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await statement()
      } catch (error) {
        logger.warn({ statement: name, err: error }, 'gaps.postgres_away')
        await clock.sleep(TRY_AGAIN_MS)
      }
    }
  }
  return {
    extend: (workspaceId, from) => untilDone('extend', () => extendGap(db, workspaceId, from)),
    suspend: (connection, from) =>
      untilDone('suspend', () => suspendConnection(db, connection, from)),
    deleted: (workspaceId, span) =>
      untilDone('deleted', () => addDeletedGap(db, workspaceId, span)),
    missed: (workspaceId, backfillId) =>
      untilDone('missed', async () => ({
        gaps: await missedGaps(db, workspaceId),
        deadLetters: await missedDeadLetters(db, workspaceId, backfillId),
      })),
  }
}
