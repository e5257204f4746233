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
 * Whether Postgres is still the database that our services know, and not an older copy of it: neither the newest
 * mark that this process remembers may be missing, nor the one that Kafka keeps. Of a copy that is seconds old
 * one process alone may know what it lacks; the others would go on with it, and hide it by marks of their own.
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

  /** Undefined: Kafka cannot be asked, and says nothing against what is remembered. */
  async function readKept(): Promise<DatabaseMark | null | undefined> {
    if (!isRead) return kept.read()
    return kept.read().catch(() => undefined)
  }

  return {
    problem: 'postgres_restored',
    async look() {
      const told = await readKept()
      isRead = true
      const own = known ?? told ?? null
      if (told && told.id !== own?.id && !(await hasMark(db, told))) return [noMarkOf(told)]
      const newest = await renewMark(db, own)
      if (newest === null) {
        // For the others, and for the command by which a person confirms it.
        if (own && told !== undefined && own.id !== told?.id) await keep(own)
        return [noMarkOf(own)]
      }
      if (told !== undefined && newest.id !== told?.id) await keep(newest)
      known = newest
      return null
    },
    async isStill() {
      return known !== null && (await hasMark(db, known))
    },
  }
}

function noMarkOf(mark: DatabaseMark | null): string {
  return `no mark of ${new Date(mark?.madeAt ?? 0).toISOString()}`
}
