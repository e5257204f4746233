import type { Queryable } from './pool.ts'

/**
 * What of a workspace is accepted and not delivered yet, from `published_events` (written by the
 * normalizer after Kafka has acknowledged) and `delivery_attempts`. A lane is in order, so all that
 * waits was accepted after the newest event that has had its turn.
 *
 * How exact: it lags behind by what the dispatcher has not flushed yet, up to some seconds; an
 * event whose row the normalizer could not write (Postgres away) is not counted; rows go after
 * 7 days, and what waits longer goes uncounted. Events of a back-fill are none of these: they were
 * accepted long ago, and the back-fill has a progress of its own.
 */
export interface WaitingEvents {
  readonly waiting: number
  /** When the oldest of them was accepted. */
  readonly since: Date | null
}

/** Two normalizers may write the rows of neighbours in another order than the log has them. */
const DISORDER = `interval '5 seconds'`

/** When the newest event was accepted that has had its turn since `since`, back-fills apart. */
export async function findNewestTurn(
  db: Queryable,
  workspaceId: string,
  since: Date,
): Promise<Date | null> {
  // Index `delivery_attempts_newest`, backwards; the primary key of published_events. Where the
  // event's row is missing: when its attempt ended, which counts too few rather than too many.
  const { rows } = await db.query<{ acceptedAt: Date }>(
    `select coalesce(e.published_at, a.at) as "acceptedAt"
     from (select event_id, at from delivery_attempts
       where workspace_id = $1 and at >= $2 and not replay
         and outcome in ('delivered', 'dead_lettered')
       order by at desc, id desc limit 1) a
     left join published_events e on e.event_id = a.event_id`,
    [workspaceId, since],
  )
  return rows[0]?.acceptedAt ?? null
}

/**
 * Events accepted since `connectedAt` that have not had their turn; `turn` is that of the newest
 * one which has. Only its neighbours are looked up one by one. Stops to count at `limit`. Index
 * `published_events_of_workspace`, and `delivery_attempts_event` for the neighbours.
 */
export async function countWaiting(
  db: Queryable,
  workspaceId: string,
  { turn, connectedAt }: { readonly turn: Date; readonly connectedAt: Date },
  limit: number,
): Promise<WaitingEvents> {
  const { rows } = await db.query<WaitingEvents>(
    `select count(*)::int as waiting, min(published_at) as since from (
       (select published_at from published_events e
        where workspace_id = $1 and published_at >= $3
          and published_at between $2::timestamptz - ${DISORDER} and $2::timestamptz + ${DISORDER}
          and not exists (select from delivery_attempts a
            where a.event_id = e.event_id and a.workspace_id = $1
              and a.at >= $2::timestamptz - interval '1 minute' and a.outcome in ('delivered', 'dead_lettered'))
        order by published_at limit $4)
       union all
       (select published_at from published_events
        where workspace_id = $1 and published_at >= $3 and published_at > $2::timestamptz + ${DISORDER}
        order by published_at limit $4)
     ) waiting`,
    [workspaceId, turn, connectedAt, limit],
  )
  return capped(rows[0], limit)
}

/** Events accepted since a time (null: all that are remembered). Same index, same limit. */
export async function countAccepted(
  db: Queryable,
  workspaceId: string,
  since: Date | null,
  limit: number,
): Promise<WaitingEvents> {
  const { rows } = await db.query<WaitingEvents>(
    `select count(*)::int as waiting, min(published_at) as since from (
       select published_at from published_events
       where workspace_id = $1 and published_at >= coalesce($2, '-infinity'::timestamptz)
       order by published_at limit $3
     ) accepted`,
    [workspaceId, since, limit],
  )
  return capped(rows[0], limit)
}

function capped(row: WaitingEvents | undefined, limit: number): WaitingEvents {
  const { waiting, since } = row ?? { waiting: 0, since: null }
  return { waiting: Math.min(waiting, limit), since }
}
