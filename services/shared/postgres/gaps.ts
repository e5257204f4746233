import type { Queryable } from './pool.ts'

/** One statement each. `from` and `to` are log times in milliseconds since 1970. */

/**
 * Makes the newest gap begin no later than `from`, be it open or not: an event that was accepted
 * before the customer disconnected may be given up only after he has connected again. A back-fill
 * that was through before has not brought that event.
 */
export async function extendGap(db: Queryable, workspaceId: string, from: number): Promise<void> {
  await db.query(
    `update gaps
     set from_at = least(from_at, $2),
         backfilled_at = case when $2 < from_at then null else backfilled_at end
     where id = (select max(id) from gaps where workspace_id = $1)`,
    [workspaceId, new Date(from)],
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

/** Those that no back-fill has brought. By the index on (workspace_id, from_at). */
export async function missedGaps(db: Queryable, workspaceId: string): Promise<Gap[]> {
  const { rows } = await db.query<{ from_at: Date; to_at: Date | null }>(
    `select from_at, to_at from gaps
     where workspace_id = $1 and backfilled_at is null order by from_at`,
    [workspaceId],
  )
  return rows.map((row) => ({ from: row.from_at.getTime(), to: row.to_at?.getTime() ?? null }))
}

export type GapReason = 'disconnected' | 'suspended'

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
