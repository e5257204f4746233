import type { EventKind } from '../call-event.ts'
import type { DeadReason } from '../dead-reason.ts'
import type { ErrorClass } from '../egress/error-class.ts'
import type { DeliveryAttempt } from './delivery-attempts.ts'
import type { Queryable } from './pool.ts'

export interface DeadLetter {
  readonly eventId: string
  readonly event: EventKind
  readonly reason: DeadReason
  readonly errorClass: ErrorClass | null
  readonly status: number | null
  readonly attempts: number
  readonly firstFailedAt: Date | null
  readonly deadAt: Date
  /** Log time of the event; null for one of an earlier release. */
  readonly acceptedAt: Date | null
  readonly resentAt: Date | null
}

const COLUMNS = `
  event_id as "eventId", event, reason, error_class as "errorClass", status, attempts,
  first_failed_at as "firstFailedAt", dead_at as "deadAt", accepted_at as "acceptedAt",
  resent_at as "resentAt"`

export interface DeadLettersQuery {
  readonly workspaceId: string
  /** The last one of the page before; null: from the newest on. */
  readonly before: { readonly deadAt: Date; readonly eventId: string } | null
  readonly limit: number
}

/** Newest first. Index `dead_letters_by_workspace`. */
export async function listDeadLetters(
  db: Queryable,
  { workspaceId, before, limit }: DeadLettersQuery,
): Promise<DeadLetter[]> {
  const { rows } = await db.query<DeadLetter>(
    `select ${COLUMNS} from dead_letters
     where workspace_id = $1 and ($2::timestamptz is null or (dead_at, event_id) < ($2, $3))
     order by dead_at desc, event_id desc limit $4`,
    [workspaceId, before?.deadAt ?? null, before?.eventId ?? null, limit],
  )
  return rows
}

/** Primary key. */
export async function findDeadLetter(
  db: Queryable,
  workspaceId: string,
  eventId: string,
): Promise<DeadLetter | null> {
  const { rows } = await db.query<DeadLetter>(
    `select ${COLUMNS} from dead_letters where workspace_id = $1 and event_id = $2`,
    [workspaceId, eventId],
  )
  return rows[0] ?? null
}

export interface Resend {
  readonly workspaceId: string
  readonly eventId: string
  readonly backfillId: string
  /** Log time of the event, milliseconds since 1970. */
  readonly acceptedAt: number
}

/**
 * Claims the dead letter for a new back-fill of this one event. False when it has been sent again
 * already: two clicks must not deliver it twice. Primary key.
 */
export async function insertResend(db: Queryable, resend: Resend): Promise<boolean> {
  const { rowCount } = await db.query(
    `with claimed as (
       update dead_letters set resent_at = now(), resent_by = $3
       where workspace_id = $1 and event_id = $2 and resent_at is null
       returning workspace_id)
     insert into backfills (id, workspace_id, since, until, mode, created_at)
     select $3, workspace_id, $4, $4, 'gaps', date_trunc('milliseconds', now()) from claimed`,
    [resend.workspaceId, resend.eventId, resend.backfillId, new Date(resend.acceptedAt)],
  )
  return rowCount === 1
}

/**
 * Ids of those that a back-fill may bring: not sent again yet, or by this very one. Primary key.
 */
export async function missedDeadLetters(
  db: Queryable,
  workspaceId: string,
  backfillId: string,
): Promise<Set<string>> {
  const { rows } = await db.query<{ event_id: string }>(
    `select event_id from dead_letters
     where workspace_id = $1 and (resent_at is null or resent_by = $2)`,
    [workspaceId, backfillId],
  )
  return new Set(rows.map((row) => row.event_id))
}

/** Back-fills have delivered these: what of it was a dead letter is none any more. Primary key. */
export async function markResent(
  db: Queryable,
  delivered: readonly DeliveryAttempt[],
): Promise<void> {
  await db.query(
    `update dead_letters d set resent_at = u.at
     from unnest($1::text[], $2::text[], $3::timestamptz[]) as u (workspace_id, event_id, at)
     where d.workspace_id = u.workspace_id and d.event_id = u.event_id
       and d.resent_at is null and d.dead_at <= u.at`,
    [
      delivered.map((attempt) => attempt.workspaceId),
      delivered.map((attempt) => attempt.eventId),
      delivered.map((attempt) => new Date(attempt.at)),
    ],
  )
}
