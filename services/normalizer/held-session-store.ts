import { createBatcher } from '../shared/batcher.ts'
import type { DatabaseGuard } from '../shared/postgres/database-guard.ts'
import {
  leaseDueSessions,
  markSessionsPublished,
  postponeSessions,
  type SessionKey,
} from '../shared/postgres/held-legs.ts'
import { type Refusals, writeInHalves } from '../shared/postgres/in-halves.ts'
import type { Pool } from '../shared/postgres/pool.ts'
import type { BatchedStatement, OnRefusedRow } from '../shared/postgres/refused-rows.ts'
import { type StoredAs, type StoredLeg, storeLegs } from '../shared/postgres/store-legs.ts'
import type { HeldSessionStore } from './held-sessions.ts'

const LEGS_PER_STATEMENT = 200
const SESSIONS_PER_LEASE = 100
/** Two sessions that are full; a usual one has 2 KB. */
const BYTES_PER_LEASE = 512 * 1024
/** Longer than the slowest publication; if this process dies, others wait so long to take over. */
const LEASE_MS = 60_000
/** Then a leg goes raw to the rejected requests, from where a person has to bring it back. */
const STORE_WITHIN_MS = 2_500
/** Before a session that could not be published is tried again. */
const POSTPONE_MS = 5_000

/** Held sessions in Postgres; legs of concurrent webhooks are stored in one statement. */
export function createHeldSessionStore(
  pool: Pool,
  guard: DatabaseGuard,
  onRefused: OnRefusedRow,
): HeldSessionStore {
  const legs = createBatcher<StoredLeg, StoredAs>((batch) => storeLegs(pool, batch), {
    itemsMax: LEGS_PER_STATEMENT,
    refusals: refusalsOf('store_legs'),
  })

  function refusalsOf(statement: BatchedStatement): Refusals<SessionKey> {
    return { statement, idsOf: ({ sourceId, sessionId }) => ({ sourceId, sessionId }), onRefused }
  }

  return {
    store: (leg) => guard(STORE_WITHIN_MS, () => legs.add(leg)),
    leaseDue: () =>
      leaseDueSessions(pool, {
        limit: SESSIONS_PER_LEASE,
        bytesMax: BYTES_PER_LEASE,
        leaseMs: LEASE_MS,
      }),
    markPublished: (sessions) =>
      writeInHalves(
        sessions,
        (some) => markSessionsPublished(pool, some),
        refusalsOf('mark_sessions_published'),
      ),
    postpone: (sessions) =>
      writeInHalves(
        sessions,
        (some) => postponeSessions(pool, { sessions: some, delayMs: POSTPONE_MS }),
        refusalsOf('postpone_sessions'),
      ),
  }
}
