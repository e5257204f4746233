import type { Pool } from 'pg'
import { isEndpointsFault } from '../egress/error-class.ts'
import type { DeliveryAttempt } from './delivery-attempts.ts'
import { timestamp } from './pool.ts'

/** What the tile shows of a connection, as the newest attempts of one workspace leave it. */
export interface ConnectionHealth {
  readonly workspaceId: string
  readonly lastDeliveredAt: number | null
  readonly lastFailure: DeliveryAttempt | null
  /** True when the newest attempt failed. */
  readonly isFailing: boolean
  /** Whether a dead letter is out for which the endpoint is to blame; null: as before. */
  readonly isOnProbation: boolean | null
}

/** Pure: folds attempts, in the order in which they ended, into one row per workspace. */
export function healthOf(attempts: readonly DeliveryAttempt[]): ConnectionHealth[] {
  const byWorkspace = new Map<string, ConnectionHealth>()
  for (const attempt of attempts) {
    const before = byWorkspace.get(attempt.workspaceId)
    const isFailing = attempt.outcome !== 'delivered'
    byWorkspace.set(attempt.workspaceId, {
      workspaceId: attempt.workspaceId,
      lastDeliveredAt: isFailing ? (before?.lastDeliveredAt ?? null) : attempt.at,
      lastFailure: isFailing ? attempt : (before?.lastFailure ?? null),
      isFailing,
      isOnProbation: probation(attempt) ?? before?.isOnProbation ?? null,
    })
  }
  return [...byWorkspace.values()]
}

/** A delivery ends it, a dead letter for which the endpoint is to blame begins it. */
function probation({ outcome, errorClass }: DeliveryAttempt): boolean | null {
  if (outcome === 'delivered') return false
  return outcome === 'dead_lettered' && isEndpointsFault(errorClass) ? true : null
}

/**
 * connected ⇄ failing, the last success, the last error, the retry that is due. Sorted by key, so
 * that two dispatchers that update the same rows lock them in the same order. A connection that
 * was disconnected or suspended meanwhile keeps its state.
 */
export async function updateConnectionHealth(
  pool: Pool,
  rows: readonly ConnectionHealth[],
): Promise<void> {
  const sorted = [...rows].sort((a, b) => (a.workspaceId < b.workspaceId ? -1 : 1))
  await pool.query(
    `update connections c set
       state = case when c.state in ('connected', 'failing')
               then case when u.is_failing then 'failing' else 'connected' end else c.state end,
       last_delivered_at = coalesce(u.delivered_at, c.last_delivered_at),
       last_error_class = coalesce(u.error_class, c.last_error_class),
       last_error_status = case when u.error_class is null then c.last_error_status else u.status end,
       last_error_at = coalesce(u.failed_at, c.last_error_at),
       retry_event_id = case when u.is_failing then u.event_id end,
       retry_attempt = case when u.is_failing then u.attempt end,
       retry_next_at = case when u.is_failing then u.next_at end,
       on_probation = coalesce(u.on_probation, c.on_probation)
     from unnest($1::text[], $2::timestamptz[], $3::text[], $4::smallint[], $5::timestamptz[],
       $6::text[], $7::int[], $8::timestamptz[], $9::boolean[], $10::boolean[])
       as u(workspace_id, delivered_at, error_class, status, failed_at, event_id, attempt, next_at,
            is_failing, on_probation)
     where c.workspace_id = u.workspace_id`,
    [
      sorted.map((row) => row.workspaceId),
      sorted.map((row) => timestamp(row.lastDeliveredAt)),
      sorted.map((row) => row.lastFailure?.errorClass ?? null),
      sorted.map((row) => row.lastFailure?.status ?? null),
      sorted.map((row) => timestamp(row.lastFailure?.at ?? null)),
      sorted.map((row) => row.lastFailure?.eventId ?? null),
      sorted.map((row) => row.lastFailure?.attempt ?? null),
      sorted.map((row) => timestamp(row.lastFailure?.nextAttemptAt ?? null)),
      sorted.map((row) => row.isFailing),
      sorted.map((row) => row.isOnProbation),
    ],
  )
}
