import { forgetSessions } from '../shared/postgres/held-legs.ts'
import type { Pool } from '../shared/postgres/pool.ts'
import { forgetPublishedEvents } from '../shared/postgres/published-events.ts'
import { forgetChecks } from '../shared/postgres/recording-checks.ts'

/** For so long a repeat is recognized and a late leg corrects its call. */
const REMEMBERED_DAYS = 7

const CHUNK_ROWS = 2_000
/** A backlog is worked off over several runs, so that stopping never waits for all of it. */
const CHUNKS_MAX = 20

/** Removes what is older than it has to be, in small deletes that hold no lock for long. */
export async function forgetOld(pool: Pool): Promise<void> {
  for (const forget of [forgetPublishedEvents, forgetSessions, forgetChecks]) {
    for (let chunk = 0; chunk < CHUNKS_MAX; chunk += 1) {
      const removed = await forget(pool, { days: REMEMBERED_DAYS, limit: CHUNK_ROWS })
      if (removed < CHUNK_ROWS) break
    }
  }
}
