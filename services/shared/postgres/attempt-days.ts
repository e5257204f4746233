import pg from 'pg'
import type { Queryable } from './pool.ts'

/**
 * Partitions of `delivery_attempts`: one per UTC day, made before the day begins. What no day was
 * made for goes to the default partition, with the same indexes: slower to remove, never refused.
 *
 * Making and dropping wait for a lock on tables that every dispatcher writes to, and whoever comes
 * after them waits behind. So they give up soon; the next run tries again.
 */
const LOCK_TIMEOUT_MS = 2_000

export interface AttemptPartition {
  readonly name: string
  /** Milliseconds since 1970; null: no beginning. */
  readonly since: number | null
  /** Exclusive. */
  readonly until: number
}

/** All but the default one, in any order. */
export async function listAttemptPartitions(db: Queryable): Promise<AttemptPartition[]> {
  const { rows } = await db.query<{ name: string; since: Date | null; until: Date }>(
    `with partition as (
       select c.relname as name, pg_get_expr(c.relpartbound, c.oid) as bounds
       from pg_inherits i join pg_class c on c.oid = i.inhrelid
       where i.inhparent = 'delivery_attempts'::regclass
     )
     select name,
       substring(bounds from $$FROM \\('([^']+)'\\)$$)::timestamptz as since,
       substring(bounds from $$TO \\('([^']+)'\\)$$)::timestamptz as until
     from partition where bounds <> 'DEFAULT'`,
  )
  return rows.map(({ name, since, until }) => ({
    name,
    since: since?.getTime() ?? null,
    until: until.getTime(),
  }))
}

/**
 * Makes the partition of a day. The table is made by itself and then attached: made as a partition
 * at once, it would lock out readers and writers of all others.
 *
 * @throws when the lock does not come, and when the default partition has rows of that day.
 */
export async function makeAttemptDay(db: Queryable, day: number): Promise<void> {
  const from = new Date(day).toISOString()
  const until = new Date(day + DAY_MS).toISOString()
  const name = attemptDayName(day)
  // Without parameters, these are one transaction. Vacuum keeps the visibility map fresh, without
  // which the statistics would look into the table for each row.
  await db.query(
    `set local lock_timeout = ${LOCK_TIMEOUT_MS};
     create table ${name} (like delivery_attempts including defaults including constraints)
       with (autovacuum_vacuum_insert_scale_factor = 0.02);
     alter table delivery_attempts
       attach partition ${name} for values from ('${from}') to ('${until}')`,
  )
}

/** @throws when the lock does not come. */
export async function dropAttemptPartition(db: Queryable, name: string): Promise<void> {
  await db.query(
    `set local lock_timeout = ${LOCK_TIMEOUT_MS}; drop table ${pg.escapeIdentifier(name)}`,
  )
}

/** Removes up to `limit` old rows from the default partition, which is empty but for mishaps. */
export async function forgetAttemptsWithoutDay(
  db: Queryable,
  { before, limit }: { readonly before: number; readonly limit: number },
): Promise<number> {
  const { rowCount } = await db.query(
    `delete from delivery_attempts_default where ctid = any(array(
       select ctid from delivery_attempts_default where at < $1 limit $2))`,
    [new Date(before), limit],
  )
  return rowCount ?? 0
}

/**
 * Runs `work` on a connection of its own, and only if nobody else does: false when another replica
 * holds the lock. A process that dies loses it with its connection.
 */
export async function aloneWithAttemptDays(
  pool: pg.Pool,
  work: (db: Queryable) => Promise<void>,
): Promise<boolean> {
  const client = await pool.connect()
  try {
    const { rows } = await client.query<{ alone: boolean }>(
      'select pg_try_advisory_lock($1) as alone',
      [LOCK_ID],
    )
    if (rows[0]?.alone !== true) return false
    await work(client)
    return true
  } finally {
    // The connection goes and takes the lock with it; back in the pool it could keep it for ever.
    client.release(true)
  }
}

/** `delivery_attempts_20260528` */
export function attemptDayName(day: number): string {
  return `delivery_attempts_${new Date(day).toISOString().slice(0, 10).replaceAll('-', '')}`
}

export const DAY_MS = 24 * 60 * 60 * 1_000

/** Any number that no other advisory lock of this database has. */
const LOCK_ID = 7_300_030
