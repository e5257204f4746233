import { type Queryable, timestamp } from './pool.ts'

/**
 * One statement each. `from` and `to` are log times in milliseconds since 1970.
 *
 * A gap for the reason `deleted` holds what left the log unsent. It is closed from its beginning, it
 * belongs to no connection, and nothing can fill it: whatever looks for the gap of a connection or
 * for what a back-fill may bring passes it over. One for the reason `restored` holds what may have been
 * delivered, as nobody knows any more; it belongs to no connection either, and a back-fill can bring it.
 */

/**
 * Makes the newest gap begin no later than `from`, be it open or not: an event that was accepted
 * before the customer disconnected may be given up only after he has connected again. A back-fill
 * that was through before has not brought that event. Without a gap it makes one up to `until`, unless
 * that is null.
 */
export async function extendGap(
  db: Queryable,
  workspaceId: string,
  { from, until }: { readonly from: number; readonly until: number | null },
): Promise<void> {
  await db.query(
    `with extended as (
       update gaps
       set from_at = least(from_at, $2),
           backfilled_at = case when $2 < from_at then null else backfilled_at end
       where id = (
         select max(id) from gaps
         where workspace_id = $1 and reason not in ('deleted', 'restored'))
       returning id)
     insert into gaps (workspace_id, from_at, to_at, reason)
     select id, $2, $3, 'disconnected' from workspaces
     where id = $1 and $3::timestamptz is not null and not exists (select from extended)`,
    [workspaceId, new Date(from), timestamp(until)],
  )
}

/**
 * Makes the newest gap, which has just ended, reach up to `until`: what was given up meanwhile is in
 * it, although the broker's clock is ahead of that of Postgres. An open one holds all of it anyway.
 */
export async function lengthenGap(
  db: Queryable,
  workspaceId: string,
  until: number,
): Promise<void> {
  await db.query(
    `update gaps set to_at = greatest(to_at, $2)
     where id = (
         select max(id) from gaps
         where workspace_id = $1 and reason not in ('deleted', 'restored'))
       and to_at is not null`,
    [workspaceId, new Date(until)],
  )
}

/**
 * Events of before `to` have left the log unsent. A lane that tells it again after a crash may know
 * less well where it was, and one that finds a later beginning more: both widen the gap that stands.
 * By the index on (workspace_id, from_at). A workspace that was removed meanwhile gets none: its
 * lane would otherwise try for ever.
 */
export async function addDeletedGap(
  db: Queryable,
  workspaceId: string,
  span: ClosedSpan,
): Promise<void> {
  await addClosedGap(db, { workspaceId, reason: 'deleted' }, span)
}

interface ClosedSpan {
  readonly from: number
  readonly to: number
}

/** Told again, it is one gap. */
export async function addRestoredGap(
  db: Queryable,
  workspaceId: string,
  span: ClosedSpan,
): Promise<void> {
  await addClosedGap(db, { workspaceId, reason: 'restored' }, span)
}

/** Workspaces with gaps that a back-fill could bring yet. */
export async function listWithMissedGaps(db: Queryable): Promise<readonly string[]> {
  const { rows } = await db.query<{ workspaceId: string }>(
    `select distinct workspace_id as "workspaceId" from gaps
     where backfilled_at is null and reason <> 'deleted'`,
  )
  return rows.map(({ workspaceId }) => workspaceId)
}

/**
 * The log of before these times is gone, each given with its workspace: a back-fill would find nothing,
 * and the gap would read as delivered. One that goes on after it is cut in two.
 */
export async function deleteMissedGaps(
  db: Queryable,
  until: ReadonlyMap<string, number>,
): Promise<void> {
  await db.query(
    `with gone as (
       select id, workspace_id, from_at, to_at, until
       from gaps join unnest($1::text[], $2::timestamptz[]) as u (workspace_id, until)
         using (workspace_id)
       where backfilled_at is null and reason <> 'deleted' and from_at < until),
     closed as (
       update gaps g set reason = 'deleted' from gone where g.id = gone.id and gone.to_at <= until),
     cut as (
       update gaps g set from_at = until from gone
       where g.id = gone.id and (gone.to_at is null or gone.to_at > until))
     insert into gaps (workspace_id, from_at, to_at, reason)
     select workspace_id, from_at, until, 'deleted' from gone
     where to_at is null or to_at > until`,
    [[...until.keys()], [...until.values()].map((at) => new Date(at))],
  )
}

async function addClosedGap(
  db: Queryable,
  { workspaceId, reason }: { readonly workspaceId: string; readonly reason: GapReason },
  { from, to }: ClosedSpan,
): Promise<void> {
  await db.query(
    `with widened as (
       update gaps set from_at = least(from_at, $2), to_at = greatest(to_at, $3),
         backfilled_at = case when from_at <= $2 and to_at >= $3 then backfilled_at end
       where workspace_id = $1 and reason = $4 and from_at <= $3 and to_at >= $2
       returning id)
     insert into gaps (workspace_id, from_at, to_at, reason)
     select id, $2, $3, $4 from workspaces
     where id = $1 and not exists (select from widened)`,
    [workspaceId, new Date(from), new Date(to), reason],
  )
}

/**
 * Suspends the connection and opens the gap in one statement, so that neither is there without the
 * other. False when the connection is not of that version any more: disconnected, or replaced.
 */
export async function suspendConnection(
  db: Queryable,
  { workspaceId, version }: { readonly workspaceId: string; readonly version: number },
  from: number,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `with suspended as (
       update connections
       set state = 'suspended', on_probation = false, version = version + 1,
           retry_event_id = null, retry_attempt = null, retry_next_at = null
       where workspace_id = $1 and version = $2 and state in ('connected', 'failing')
       returning workspace_id
     )
     insert into gaps (workspace_id, from_at, reason)
     select workspace_id, $3, 'suspended' from suspended
     on conflict (workspace_id) where to_at is null
       do update set from_at = least(gaps.from_at, excluded.from_at)`,
    [workspaceId, version, new Date(from)],
  )
  return rowCount === 1
}

export interface Gap {
  readonly from: number
  readonly to: number | null
}

/** Those that a back-fill can bring and none has brought. By the index on (workspace_id, from_at). */
export async function missedGaps(db: Queryable, workspaceId: string): Promise<Gap[]> {
  const { rows } = await db.query<{ from_at: Date; to_at: Date | null }>(
    `select from_at, to_at from gaps
     where workspace_id = $1 and backfilled_at is null and reason <> 'deleted' order by from_at`,
    [workspaceId],
  )
  return rows.map((row) => ({ from: row.from_at.getTime(), to: row.to_at?.getTime() ?? null }))
}

export const GAP_REASONS = ['disconnected', 'suspended', 'deleted', 'restored'] as const

export type GapReason = (typeof GAP_REASONS)[number]

export interface StoredGap {
  readonly id: number
  readonly from: Date
  readonly to: Date | null
  readonly reason: GapReason
  readonly backfilledAt: Date | null
}

/**
 * Newest first: those below `beforeId`. A workspace has few gaps; found by `gaps_by_workspace`. Not by
 * time, since a gap may begin earlier once an event of before it turns up.
 */
export async function listGaps(
  db: Queryable,
  { workspaceId, beforeId, limit }: GapsQuery,
): Promise<StoredGap[]> {
  const { rows } = await db.query<StoredGap>(
    `select id::double precision as id, from_at as "from", to_at as "to", reason,
       backfilled_at as "backfilledAt"
     from gaps where workspace_id = $1 and ($2::bigint is null or id < $2)
     order by id desc limit $3`,
    [workspaceId, beforeId, limit],
  )
  return rows
}

export interface GapsQuery {
  readonly workspaceId: string
  /** Null: from the newest on. */
  readonly beforeId: number | null
  readonly limit: number
}
