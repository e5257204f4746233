import type { Pool } from 'pg'
import type { EventKind } from '../call-event.ts'
import type { ErrorClass } from '../egress/error-class.ts'
import { timestamp } from './pool.ts'

export const ATTEMPT_OUTCOMES = ['delivered', 'retrying', 'dead_lettered', 'suspended'] as const

export type AttemptOutcome = (typeof ATTEMPT_OUTCOMES)[number]

export interface DeliveryAttempt {
  readonly workspaceId: string
  readonly eventId: string
  readonly event: EventKind
  readonly attempt: number
  readonly outcome: AttemptOutcome
  readonly errorClass: ErrorClass | null
  readonly status: number | null
  readonly durationMs: number
  /** Milliseconds since 1970 at which the attempt ended. */
  readonly at: number
  /** Milliseconds since 1970. */
  readonly nextAttemptAt: number | null
  readonly replay: boolean
  /** With the outcome `dead_lettered`: why, since when it had failed, and its log time. */
  readonly deadLetter: DeadLetterFacts | null
}

/** Times in milliseconds since 1970. */
export interface DeadLetterFacts {
  readonly reason: string
  readonly firstFailedAt: number | null
  readonly acceptedAt: number
}

/**
 * Writes many attempts with one statement. Arrays instead of a row per parameter list: one plan,
 * and a few microseconds a row.
 */
export async function insertAttempts(
  pool: Pool,
  attempts: readonly DeliveryAttempt[],
): Promise<void> {
  await pool.query(
    `insert into delivery_attempts (workspace_id, event_id, event, attempt, outcome, error_class,
       status, duration_ms, at, next_attempt_at, replay)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[], $6::text[],
       $7::smallint[], $8::int[], $9::timestamptz[], $10::timestamptz[], $11::boolean[])`,
    [
      attempts.map((a) => a.workspaceId),
      attempts.map((a) => a.eventId),
      attempts.map((a) => a.event),
      attempts.map((a) => a.attempt),
      attempts.map((a) => a.outcome),
      attempts.map((a) => a.errorClass),
      attempts.map((a) => a.status),
      attempts.map((a) => a.durationMs),
      attempts.map((a) => new Date(a.at)),
      attempts.map((a) => timestamp(a.nextAttemptAt)),
      attempts.map((a) => a.replay),
    ],
  )
}

/** Dead letters for the console; one that dies again after a back-fill counts anew. */
export async function insertDeadLetters(
  pool: Pool,
  attempts: readonly DeliveryAttempt[],
): Promise<void> {
  // The last one wins: one statement must not touch a row twice.
  const dead = [...new Map(attempts.map((a) => [`${a.workspaceId} ${a.eventId}`, a])).values()]
  await pool.query(
    `insert into dead_letters (workspace_id, event_id, event, reason, error_class, status,
       attempts, first_failed_at, dead_at, accepted_at)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[],
       $6::smallint[], $7::int[], $8::timestamptz[], $9::timestamptz[], $10::timestamptz[])
     on conflict (workspace_id, event_id) do update
       set reason = excluded.reason, error_class = excluded.error_class,
           status = excluded.status, attempts = excluded.attempts,
           dead_at = excluded.dead_at, accepted_at = excluded.accepted_at, resent_at = null`,
    [
      dead.map((a) => a.workspaceId),
      dead.map((a) => a.eventId),
      dead.map((a) => a.event),
      dead.map((a) => a.deadLetter?.reason),
      dead.map((a) => a.errorClass),
      dead.map((a) => a.status),
      dead.map((a) => a.attempt),
      dead.map((a) => timestamp(a.deadLetter?.firstFailedAt ?? null)),
      dead.map((a) => new Date(a.at)),
      dead.map((a) => timestamp(a.deadLetter?.acceptedAt ?? null)),
    ],
  )
}
