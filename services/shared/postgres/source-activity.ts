import type { Queryable } from './pool.ts'

export interface SourceActivity {
  readonly sourceId: string
  readonly at: Date
}

/**
 * Notes that webhooks of these sources came; a source removed meanwhile is left out. Sorted, so that
 * two replicas that note the same sources lock them in the same order. Primary keys.
 */
export async function noteSourceActivity(
  db: Queryable,
  activity: readonly SourceActivity[],
): Promise<void> {
  await db.query(
    `insert into source_activity as a (source_id, first_event_at, last_event_at)
     select s.id, n.at, n.at
     from unnest($1::text[], $2::timestamptz[]) as n (source_id, at)
     join sources s on s.id = n.source_id
     order by s.id
     on conflict (source_id) do update
       set first_event_at = least(a.first_event_at, excluded.first_event_at),
           last_event_at = greatest(a.last_event_at, excluded.last_event_at)`,
    [activity.map(({ sourceId }) => sourceId), activity.map(({ at }) => at)],
  )
}
