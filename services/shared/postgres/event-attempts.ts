import type { EventKind } from '../call-event.ts'
import { listAttempts, type RecordedAttempt } from './attempt-queries.ts'
import type { Queryable } from './pool.ts'

/** What the database knows of one event: when it came, what became of it. No content. */

export interface EventOfWorkspace {
  readonly workspaceId: string
  readonly eventId: string
}

/** Far more than a schedule has; an event that was sent again and again shows its newest ones. */
const ATTEMPTS_MAX = 500

/**
 * Attempts that ended at or after `since` (milliseconds since 1970), oldest first. By the index on
 * event_id of each day from then on; the days before are not touched.
 */
export async function listAttemptsOfEvent(
  db: Queryable,
  { workspaceId, eventId }: EventOfWorkspace,
  since: number,
): Promise<RecordedAttempt[]> {
  const filter = { eventId, since: new Date(since).toISOString() }
  return (await listAttempts(db, workspaceId, filter, { limit: ATTEMPTS_MAX })).reverse()
}

export interface EventTraces {
  /** When it was recorded as published, a moment after the log took it. */
  readonly publishedAt: Date | null
  /** When the attempts began that made it a dead letter. */
  readonly failedAt: Date | null
  /** Kind of the dead letter. */
  readonly deadKind: EventKind | null
}

/** By the primary keys of `published_events` and `dead_letters`. */
export async function findEventTraces(
  db: Queryable,
  { workspaceId, eventId }: EventOfWorkspace,
): Promise<EventTraces> {
  const { rows } = await db.query<EventTraces>(
    `select p.published_at as "publishedAt", d.event as "deadKind",
       coalesce(d.first_failed_at, d.dead_at) as "failedAt"
     from (values ($1::text, $2::text)) as asked (workspace_id, event_id)
     left join published_events p using (workspace_id, event_id)
     left join dead_letters d using (workspace_id, event_id)`,
    [workspaceId, eventId],
  )
  return rows[0] ?? { publishedAt: null, failedAt: null, deadKind: null }
}
