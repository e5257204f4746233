import type { KeptMark } from '../kafka/kept-mark.ts'
import type { Logger } from '../logger.ts'
import { type DatabaseMark, hasMark, renewMark } from '../postgres/database-marks.ts'
import type { Queryable } from '../postgres/pool.ts'
import type { RestoreCheck } from './restores.ts'

export interface DatabaseCheckOptions {
  readonly db: Queryable
  readonly kept: KeptMark
  readonly logger: Logger
}

/**
 * Whether Postgres is still the database that this process knows, and not an older copy of it: the newest
 * mark that it remembers has to be there. A process that starts remembers what Kafka keeps.
 */
export function createDatabaseCheck({ db, kept, logger }: DatabaseCheckOptions): RestoreCheck {
  let known: DatabaseMark | null = null
  let isRead = false

  async function keep(mark: DatabaseMark): Promise<void> {
    try {
      await kept.keep(mark)
    } catch (error) {
      // The next one is kept in a minute; until then a restart may miss a restore of this minute.
      logger.warn({ err: error }, 'restore.mark_not_kept')
    }
  }

  return {
    problem: 'postgres_restored',
    async look() {
      if (!isRead) known = await kept.read()
      isRead = true
      const newest = await renewMark(db, known)
      if (newest === null) {
        return [`no mark of ${new Date(known?.madeAt ?? 0).toISOString()}`]
      }
      if (newest.id !== known?.id) await keep(newest)
      known = newest
      return null
    },
    async isStill() {
      return known !== null && (await hasMark(db, known))
    },
  }
}
