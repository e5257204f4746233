import type { Queryable } from './pool.ts'

/**
 * Calls that were in a log that is gone and that nobody has dealt with: published, and neither delivered
 * nor given up. Only those that the workspace's connection was to have: others are in a gap, or nobody's.
 * By the indexes `published_events_age` and `delivery_attempts_event`, a short span at a time.
 */
export interface Vanished {
  readonly workspaceId: string
  readonly calls: number
  /** When the first and the last of them were published, milliseconds since 1970. */
  readonly first: number
  readonly last: number
}

/** Milliseconds since 1970; `until` is exclusive. */
export interface PublishedSpan {
  readonly from: number
  readonly until: number
}

const VANISHED = `
  select p.event_id, p.workspace_id, p.published_at
    from published_events p join connections c using (workspace_id)
   where p.published_at >= $1 and p.published_at < $2
     and p.published_at >= c.connected_at - interval '5 seconds'
     and not exists (
       select from delivery_attempts a
        where a.event_id = p.event_id and a.workspace_id = p.workspace_id
          and a.outcome in ('delivered', 'dead_lettered') and a.at >= $1 - interval '1 minute')
     and not exists (
       select from dead_letters d
        where d.workspace_id = p.workspace_id and d.event_id = p.event_id)`

/** By workspace. */
export async function findVanished(
  db: Queryable,
  { from, until }: PublishedSpan,
): Promise<readonly Vanished[]> {
  const { rows } = await db.query<Vanished>(
    `select workspace_id as "workspaceId", count(*)::float8 as calls,
       (extract(epoch from min(published_at)) * 1000)::float8 as first,
       (extract(epoch from max(published_at)) * 1000)::float8 as last
     from (${VANISHED}) v group by workspace_id`,
    [new Date(from), new Date(until)],
  )
  return rows
}

/** From now on their repeats are new. How many it were. */
export async function forgetVanished(
  db: Queryable,
  { from, until }: PublishedSpan,
): Promise<number> {
  const { rowCount } = await db.query(
    `delete from published_events p using (${VANISHED}) v where p.event_id = v.event_id`,
    [new Date(from), new Date(until)],
  )
  return rowCount ?? 0
}

/** When the oldest event was published that is known; null: none is. */
export async function oldestPublishedAt(db: Queryable): Promise<number | null> {
  const { rows } = await db.query<{ at: Date | null }>(
    'select min(published_at) as at from published_events',
  )
  return rows[0]?.at?.getTime() ?? null
}
