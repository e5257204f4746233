import type { Pool } from 'pg'
import type { EventProvider } from '../call-event.ts'

/**
 * Table `recording_checks`: recordings that were promised and whose file is not there yet.
 *
 * A row is *claimed* by moving its `due_at` ahead: a replica that dies over it is followed by
 * another one then. It is settled only after its event is in the log, so a crash in between looks
 * again and loses nothing.
 */
export interface PlannedCheck {
  readonly callId: string
  readonly provider: EventProvider
  readonly eventSealed: string
  /** Milliseconds from now. */
  readonly dueInMs: number
}

export interface ClaimedCheck {
  readonly callId: string
  readonly provider: EventProvider
  readonly eventSealed: string
  readonly looks: number
}

/** A call that is planned already stays as it is. */
export async function planChecks(pool: Pool, checks: readonly PlannedCheck[]): Promise<void> {
  // In one order everywhere: two replicas that insert the same ids in two orders would deadlock.
  const rows = checks.toSorted((a, b) => (a.callId < b.callId ? -1 : 1))
  await pool.query({
    name: 'plan-recording-checks',
    text: `
      insert into recording_checks (call_id, provider, event_sealed, due_at)
      select call_id, provider, event_sealed, now() + due_in * interval '1 millisecond'
        from unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
          as told (call_id, provider, event_sealed, due_in)
      on conflict (call_id) do nothing`,
    values: [
      rows.map((row) => row.callId),
      rows.map((row) => row.provider),
      rows.map((row) => row.eventSealed),
      rows.map((row) => row.dueInMs),
    ],
  })
}

/**
 * Takes at most `limit` due checks, oldest first, for `leaseMs`. Index `recording_checks_due`; rows
 * that another replica is taking are skipped.
 */
export async function claimDueChecks(
  pool: Pool,
  { limit, leaseMs }: { limit: number; leaseMs: number },
): Promise<readonly ClaimedCheck[]> {
  const { rows } = await pool.query<ClaimedCheck>({
    name: 'claim-recording-checks',
    text: `
      update recording_checks
         set due_at = now() + $2::integer * interval '1 millisecond'
       where call_id in (
         select call_id from recording_checks
          where due_at <= now()
          order by due_at
          limit $1
            for update skip locked
       )
      returning call_id as "callId", provider, event_sealed as "eventSealed", looks`,
    values: [limit, leaseMs],
  })
  return rows
}

/** Notes that a look found nothing, and when to look next. Primary key. */
export async function postponeCheck(
  pool: Pool,
  { callId, looks, dueInMs }: { callId: string; looks: number; dueInMs: number },
): Promise<void> {
  await pool.query({
    name: 'postpone-recording-check',
    text: `
      update recording_checks
         set looks = $2, due_at = now() + $3::bigint * interval '1 millisecond'
       where call_id = $1`,
    values: [callId, looks, dueInMs],
  })
}

/** How many of these calls were planned and are not any more. Primary key. */
export async function removeChecks(pool: Pool, callIds: readonly string[]): Promise<number> {
  const { rowCount } = await pool.query({
    name: 'remove-recording-checks',
    text: `delete from recording_checks where call_id = any($1::text[])`,
    values: [callIds],
  })
  return rowCount ?? 0
}

/** Rows of the table; it is kept small enough to count. */
export async function countChecks(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ rows: number }>(
    'select count(*)::integer as rows from recording_checks',
  )
  return rows[0]?.rows ?? 0
}

/** Removes at most `limit` checks planned more than `days` ago: nobody waits for those any more. */
export async function forgetChecks(
  pool: Pool,
  { days, limit }: { days: number; limit: number },
): Promise<number> {
  const { rowCount } = await pool.query({
    name: 'forget-recording-checks',
    text: `
      delete from recording_checks
       where call_id in (
         select call_id from recording_checks
          where planned_at < now() - make_interval(days => $1)
          limit $2
            for update skip locked
       )`,
    values: [days, limit],
  })
  return rowCount ?? 0
}
