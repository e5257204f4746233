import { type Queryable, timestamp } from './pool.ts'

/** How far a back-fill is: what was sent since the last time, and up to which log time. */
export interface BackfillProgress {
  readonly id: string
  readonly replayed: number
  /** Log time, milliseconds since 1970. */
  readonly positionAt: number | null
  readonly isDone: boolean
}

/** Primary key. One that was cancelled stays so. */
export async function addBackfillProgress(
  db: Queryable,
  rows: readonly BackfillProgress[],
): Promise<void> {
  await db.query(
    `update backfills b
     set replayed = b.replayed + u.replayed,
         position_at = greatest(b.position_at, u.position_at),
         state = case when b.state in ('cancelled', 'failed') then b.state
                 when u.is_done then 'done' else 'running' end
     from unnest($1::text[], $2::int[], $3::timestamptz[], $4::boolean[])
       as u (id, replayed, position_at, is_done)
     where b.id = u.id`,
    [
      rows.map((row) => row.id),
      rows.map((row) => row.replayed),
      rows.map((row) => timestamp(row.positionAt)),
      rows.map((row) => row.isDone),
    ],
  )
}
