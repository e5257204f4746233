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
import { asRowRefused, type OnRefusedRow, type RowIds } from '../../shared/postgres/refused-rows.ts'
import { type Missed, NOTHING_MISSED } from '../lane/replay-filter.ts'
import type { GapLog } from '../topics/lane-runner.ts'

const TRY_AGAIN_MS = 500

export interface GapLogOptions {
  readonly db: Queryable
  readonly clock: Clock
  readonly logger: Logger
  readonly onRefused: OnRefusedRow
}

/**
 * Gaps in Postgres. Each statement is tried until it got through: the lane waits meanwhile, since
 * an event that is passed over outside of a recorded gap would be lost without a trace. Postgres
 * refuses only ids that no workspace and no back-fill can have: nobody misses anything then, and the
 * lane goes on.
 */
export function createGapLog({ db, clock, logger, onRefused }: GapLogOptions): GapLog {
  async function untilDone<T>(
    ids: RowIds & { readonly name: string },
    statement: () => Promise<T>,
    ifRefused: T,
  ): Promise<T> {
    const { name } = ids
    for (;;) {
      try {
        return await statement()
      } catch (error) {
        const refused = asRowRefused(error)
        if (refused) {
          onRefused({ statement: 'gaps', ids, error: refused })
          return ifRefused
        }
        logger.warn({ statement: name, err: error }, 'gaps.postgres_away')
        await clock.sleep(TRY_AGAIN_MS)
      }
    }
  }
  return {
    extend: (workspaceId, from, until) => {
      const extend = () => extendGap(db, workspaceId, { from, until })
      return untilDone({ name: 'extend', workspaceId }, extend, undefined)
    },
    suspend: (connection, from) => {
      const { workspaceId } = connection
      const suspend = () => suspendConnection(db, connection, from)
      return untilDone({ name: 'suspend', workspaceId }, suspend, false)
    },
    deleted: (workspaceId, span) => {
      const add = () => addDeletedGap(db, workspaceId, span)
      return untilDone({ name: 'deleted', workspaceId }, add, undefined)
    },
    missed: (workspaceId, backfill) => {
      const read = async (): Promise<Missed> => ({
        gaps: await missedGaps(db, workspaceId),
        deadLetters: await missedDeadLetters(db, workspaceId, backfill),
      })
      return untilDone({ name: 'missed', workspaceId, backfill }, read, NOTHING_MISSED)
    },
  }
}
