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
  readonly workspaceId: string
  /** Where the file will be. */
  readonly host: string
  readonly eventSealed: string
  /** Milliseconds from now. */
  readonly dueInMs: number
}

export interface ClaimedCheck {
  readonly callId: string
  readonly provider: EventProvider
  /** Empty where it was planned by an older version. */
  readonly workspaceId: string
  readonly host: string
  readonly eventSealed: string
  readonly looks: number
}

/** Of one workspace, or it would fill the table for all. */
const PER_WORKSPACE_MAX = 5_000

/** A call that is planned already stays as it is. Answers for each whether there was room. */
export async function planChecks(
  pool: Pool,
  checks: readonly PlannedCheck[],
): Promise<readonly boolean[]> {
  // In one order everywhere: two replicas that insert the same ids in two orders would deadlock.
  const rows = checks.toSorted((a, b) => (a.callId < b.callId ? -1 : 1))
  const { rows: full } = await pool.query<{ workspaceId: string }>({
    name: 'plan-recording-checks',
    text: `
      with told as (
        select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])
          as told (call_id, provider, workspace_id, host, event_sealed, due_in)
      ),
      full_ones as (
        select workspace_id from (select distinct workspace_id from told) as workspaces
         where (select count(*) from recording_checks as known
                 where known.workspace_id = workspaces.workspace_id) >= $7::integer
      ),
      planned as (
        insert into recording_checks (call_id, provider, workspace_id, host, event_sealed, due_at)
        select call_id, provider, workspace_id, host, event_sealed,
               now() + due_in * interval '1 millisecond'
          from told where workspace_id not in (select workspace_id from full_ones)
        on conflict (call_id) do nothing
      )
      select workspace_id as "workspaceId" from full_ones`,
    values: [
      rows.map((row) => row.callId),
      rows.map((row) => row.provider),
      rows.map((row) => row.workspaceId),
      rows.map((row) => row.host),
      rows.map((row) => row.eventSealed),
      rows.map((row) => row.dueInMs),
      PER_WORKSPACE_MAX,
    ],
  })
  const isFull = new Set(full.map(({ workspaceId }) => workspaceId))
  return checks.map((check) => !isFull.has(check.workspaceId))
}

/** Looks that are under way, by workspace or by host. */
export type LooksOf = ReadonlyMap<string, number>

export interface ClaimShares {
  readonly limit: number
  readonly leaseMs: number
  /** Most looks at once of one workspace, with those under way. */
  readonly perWorkspace: number
  readonly ofWorkspaces: LooksOf
  /** Most looks at once at one host. */
  readonly perHost: number
  readonly ofHosts: LooksOf
}

/**
 * Takes at most `limit` due checks, oldest first, for `leaseMs`, and of no workspace and host more
 * than its share. Index `recording_checks_due`; rows that another replica is taking are skipped.
 */
export async function claimDueChecks(
  pool: Pool,
  { limit, leaseMs, perWorkspace, ofWorkspaces, perHost, ofHosts }: ClaimShares,
): Promise<readonly ClaimedCheck[]> {
  const { rows } = await pool.query<ClaimedCheck>({
    name: 'claim-recording-checks',
    text: CLAIM_DUE_CHECKS,
    values: [
      limit,
      leaseMs,
      perWorkspace,
      [...ofWorkspaces.keys()],
      [...ofWorkspaces.values()],
      perHost,
      [...ofHosts.keys()],
      [...ofHosts.values()],
    ],
  })
  return rows
}

/**
 * Of the oldest 500 whose workspace and host have room: the rest waits for the next claim. First the shares
 * of workspaces, then those of hosts: what a workspace may not have anyway would take up the host's places.
 */
const CLAIM_DUE_CHECKS = `
  with busy_workspaces as (
    select * from unnest($4::text[], $5::integer[]) as busy (workspace_id, looks)
  ),
  busy_hosts as (
    select * from unnest($7::text[], $8::integer[]) as busy (host, looks)
  ),
  candidates as (
    select call_id, workspace_id, host, due_at from recording_checks
     where due_at <= now()
       and workspace_id not in (select workspace_id from busy_workspaces where looks >= $3::integer)
       and host not in (select host from busy_hosts where looks >= $6::integer)
     order by due_at
     limit 500
  ),
  of_workspaces as (
    select call_id, host, due_at,
           row_number() over (partition by workspace_id order by due_at, call_id)
             + coalesce(busy_workspaces.looks, 0) as of_workspace
      from candidates left join busy_workspaces using (workspace_id)
  ),
  of_hosts as (
    select call_id, due_at,
           row_number() over (partition by host order by due_at, call_id)
             + coalesce(busy_hosts.looks, 0) as of_host
      from of_workspaces left join busy_hosts using (host)
     where of_workspace <= $3::integer
  ),
  taken as (
    select call_id from recording_checks
     where due_at <= now()
       and call_id in (
         select call_id from of_hosts where of_host <= $6::integer
          order by due_at limit $1::integer)
       for update skip locked
  )
  update recording_checks as checks
     set due_at = now() + $2::integer * interval '1 millisecond'
    from taken
   where checks.call_id = taken.call_id
  returning checks.call_id as "callId", checks.provider, checks.workspace_id as "workspaceId",
            checks.host, checks.event_sealed as "eventSealed", checks.looks`

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
