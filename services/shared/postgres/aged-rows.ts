import type { Queryable } from './pool.ts'

/** Rows that are removed when they are old. The words are ours, never a caller's: they become SQL. */
export interface AgedRows {
  readonly table: string
  /** The column, or expression, that tells since when a row may age. By an index, or in a table that is small. */
  readonly since: string
  /** Which rows may go at all; absent: every one. */
  readonly only?: string
}

export interface Retention {
  readonly rows: AgedRows
  /** Since then a row is not needed any more. */
  readonly days: number
}

/**
 * Removes at most `limit` rows that are too old and says how many. In chunks, because one delete of
 * a week's rows would hold its locks and bloat the table for minutes; rows that another replica is
 * removing are skipped.
 */
export async function removeAged(
  db: Queryable,
  { rows, days }: Retention,
  limit: number,
): Promise<number> {
  const { rowCount } = await db.query({
    name: `remove-aged-${rows.table}`,
    text: `
      delete from ${rows.table} where ctid = any(array(
        select ctid from ${rows.table}
         where ${rows.since} < now() - make_interval(days => $1) and ${rows.only ?? 'true'}
         order by ${rows.since}
         limit $2
           for update skip locked))`,
    values: [days, limit],
  })
  return rowCount ?? 0
}

/** For how many seconds the oldest row that has to go has been too old; 0: there is none. */
export async function overdueSeconds(db: Queryable, { rows, days }: Retention): Promise<number> {
  const { rows: found } = await db.query<{ seconds: number }>({
    name: `overdue-${rows.table}`,
    text: `
      select extract(epoch from now() - make_interval(days => $1) - ${rows.since})::double precision
               as seconds
        from ${rows.table}
       where ${rows.since} < now() - make_interval(days => $1) and ${rows.only ?? 'true'}
       order by ${rows.since}
       limit 1`,
    values: [days],
  })
  return found[0]?.seconds ?? 0
}
