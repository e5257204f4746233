import type { Queryable } from './pool.ts'

/**
 * A call that was published and that nobody has dealt with: neither delivered nor given up. Only of
 * workspaces that were connected then; some may lie in a gap already.
 */
export interface UndeliveredCall {
  readonly workspaceId: string
  readonly eventId: string
  /** When it was published, by the clock of Postgres, milliseconds since 1970. */
  readonly at: number
}

/** Milliseconds since 1970; `until` is exclusive. */
export interface PublishedSpan {
  readonly from: number
  readonly until: number
}

/**
 * Of a workspace that disconnected and connected again while nothing was delivered: a call that had waited
 * before may be of this age. Retries end within 11 hours.
 */
const WAITED_BEFORE = `interval '1 day'`

/** By the indexes `published_events_age` and `delivery_attempts_event`, a short span at a time. */
export async function findUndelivered(
  db: Queryable,
  { from, until }: PublishedSpan,
): Promise<readonly UndeliveredCall[]> {
  const { rows } = await db.query<UndeliveredCall>(
    `select p.event_id as "eventId", p.workspace_id as "workspaceId",
       (extract(epoch from p.published_at) * 1000)::float8 as at
     from published_events p join connections c using (workspace_id)
     where p.published_at >= $1 and p.published_at < $2
       and (p.published_at >= c.connected_at - interval '5 seconds'
         or exists (
           select from gaps g
            where g.workspace_id = c.workspace_id and g.to_at = c.connected_at
              and g.reason not in ('deleted', 'restored')
              and p.published_at < g.from_at and p.published_at >= g.from_at - ${WAITED_BEFORE}))
       and not exists (
         select from delivery_attempts a
          where a.event_id = p.event_id and a.workspace_id = p.workspace_id
            and a.outcome in ('delivered', 'dead_lettered') and a.at >= $1 - interval '1 minute')
       and not exists (
         select from dead_letters d
          where d.workspace_id = p.workspace_id and d.event_id = p.event_id)`,
    [new Date(from), new Date(until)],
  )
  return rows
}

/** From now on repeats of these are new, and so are parts of a call that are told again. Primary key. */
export async function forgetPublished(db: Queryable, eventIds: readonly string[]): Promise<void> {
  await db.query(
    `with forgotten as (
       delete from published_events where event_id = any($1) returning workspace_id, fingerprint)
     update held_sessions s set fingerprint = null from forgotten f
      where s.workspace_id = f.workspace_id and s.fingerprint = f.fingerprint`,
    [eventIds],
  )
}

/** When the oldest event was published that is known; null: none is. */
export async function oldestPublishedAt(db: Queryable): Promise<number | null> {
  const { rows } = await db.query<{ at: Date | null }>(
    'select min(published_at) as at from published_events',
  )
  return rows[0]?.at?.getTime() ?? null
}

/**
 * Workspaces that were to get calls after `since`, and from when on. One that was disconnected since has
 * a gap that began then, whether it was connected again or not.
 */
export async function listTakers(
  db: Queryable,
  since: number,
): Promise<ReadonlyMap<string, number>> {
  const { rows } = await db.query<{ workspaceId: string; from: Date }>(
    `select workspace_id as "workspaceId",
       case when left_since then $1 else greatest(connected_at, $1) end as from
     from connections c
     cross join lateral (
       select exists (
         select from gaps g
          where g.workspace_id = c.workspace_id and g.from_at >= $1
            and g.reason not in ('deleted', 'restored')) as left_since) l
     where left_since or state in ('connected', 'failing')`,
    [new Date(since)],
  )
  return new Map(rows.map(({ workspaceId, from }) => [workspaceId, from.getTime()]))
}
