import type { PoolClient } from 'pg'
import type { RecordingStatus } from '../call-event.ts'
import { withAdvisoryLock } from './advisory-lock.ts'
import type { Pool, Queryable } from './pool.ts'

/** Tables `spool` and `spool_size`: what waits until Kafka can take it, in the order of arrival. */

export interface NewEntry {
  readonly workspaceId: string
  /** Null for a request that goes to the topic of rejected ones. */
  readonly event: SpooledEvent | null
  /** When it was handed to Kafka without an answer; null: never. */
  readonly attemptedAt: Date | null
  /** Only if its workspace has entries before it. */
  readonly onlyBehind: boolean
  readonly entrySealed: string
}

export interface SpooledEvent {
  readonly eventId: string
  readonly recordingStatus: RecordingStatus
  readonly fingerprint: Buffer | null
}

export interface StoredEntry {
  /** A bigint, as text. */
  readonly id: string
  readonly workspaceId: string
  readonly eventId: string | null
  readonly attemptedAt: Date | null
  readonly entrySealed: string
}

export interface SpoolLimits {
  readonly requestsMax: number
  readonly bytesMax: number
  /** Age of the oldest entry that is not stuck, in milliseconds. */
  readonly ageMaxMs: number
}

export interface SpoolSize {
  readonly entries: number
  readonly bytes: number
  /** Age of the oldest entry that is not stuck; 0 when there is none. */
  readonly oldestSeconds: number
}

/** `null`: the limits are reached and none was added. Else what became of each, in their order. */
export type Inserted = readonly ('spooled' | 'not_queued')[] | null

/**
 * Adds entries in their order. The row of the size is locked first, so that ids are given in the
 * order of the commits, and so that a workspace's last entries cannot leave between the look
 * whether it has any and the insert. Stuck ones do not count: later entries pass them by. When nobody wants them any more they are not added.
 */
export async function insertEntries(
  pool: Pool,
  entries: readonly NewEntry[],
  { limits, isWanted }: { readonly limits: SpoolLimits; readonly isWanted: () => boolean },
): Promise<Inserted> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    await lockSpool(client)
    const queued = await queuedWorkspaces(client, entries)
    const isIn = ({ onlyBehind, workspaceId }: NewEntry) => !onlyBehind || queued.has(workspaceId)
    const fits = await insertThose(client, entries.filter(isIn), limits)
    await client.query(fits && isWanted() ? 'commit' : 'rollback')
    client.release()
    return fits ? entries.map((entry) => (isIn(entry) ? 'spooled' : 'not_queued')) : null
  } catch (error) {
    client.release(true)
    throw error
  }
}

/** Until the transaction ends, nobody puts anything into the spool. */
export async function lockSpool(client: PoolClient): Promise<void> {
  await client.query('select from spool_size for update')
}

async function queuedWorkspaces(
  client: PoolClient,
  entries: readonly NewEntry[],
): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ workspaceId: string }>({
    name: 'queued-workspaces',
    text: `
      select workspace_id as "workspaceId" from unnest($1::text[]) as asked (workspace_id)
       where exists (
         select from spool
          where spool.workspace_id = asked.workspace_id and spool.stuck_at is null)`,
    values: [[...new Set(entries.map(({ workspaceId }) => workspaceId))]],
  })
  return new Set(rows.map(({ workspaceId }) => workspaceId))
}

/** False when they do not fit. */
async function insertThose(
  client: PoolClient,
  entries: readonly NewEntry[],
  limits: SpoolLimits,
): Promise<boolean> {
  if (entries.length === 0) return true
  const sizes = entries.map(({ entrySealed }) => entrySealed.length)
  const { rowCount } = await client.query({
    name: 'insert-spool-entries',
    text: INSERT,
    values: [
      entries.map(({ workspaceId }) => workspaceId),
      entries.map(({ event }) => event?.eventId ?? null),
      entries.map(({ event }) => event?.recordingStatus ?? null),
      entries.map(({ event }) => event?.fingerprint ?? null),
      entries.map(({ attemptedAt }) => attemptedAt),
      sizes,
      entries.map(({ entrySealed }) => entrySealed),
      entries.length,
      sizes.reduce((sum, size) => sum + size, 0),
      limits.requestsMax,
      limits.bytesMax,
      limits.ageMaxMs,
    ],
  })
  return rowCount === entries.length
}

const INSERT = `
  with room as (
    update spool_size
       set entries = entries + $8::bigint, bytes = bytes + $9::bigint
     where entries + $8::bigint <= $10::bigint and bytes + $9::bigint <= $11::bigint
       and coalesce(
         (select spooled_at from spool where stuck_at is null order by id limit 1)
           > now() - $12::bigint * interval '1 millisecond', true)
    returning 1
  )
  insert into spool (
    workspace_id, event_id, recording_status, fingerprint, attempted_at, size_bytes, entry_sealed
  )
  select workspace_id, event_id, recording_status, fingerprint, attempted_at, size_bytes,
         entry_sealed
    from room, unnest(
      $1::text[], $2::text[], $3::text[], $4::bytea[], $5::timestamptz[], $6::integer[], $7::text[]
    ) with ordinality as told (
      workspace_id, event_id, recording_status, fingerprint, attempted_at, size_bytes,
      entry_sealed, place
    )
   order by place`

/** Reads one row and the first of the primary key. */
export async function readSpoolSize(db: Queryable): Promise<SpoolSize> {
  const { rows } = await db.query<SpoolSize>({
    name: 'read-spool-size',
    text: `
      select entries::float8 as entries, bytes::float8 as bytes,
             coalesce(extract(epoch from now() - (
               select spooled_at from spool where stuck_at is null order by id limit 1)),
               0)::float8 as "oldestSeconds"
        from spool_size`,
  })
  return rows[0] ?? { entries: 0, bytes: 0, oldestSeconds: 0 }
}

/**
 * The oldest entries behind an id: at most `limit`, at most `bytesMax` of them but at least one;
 * primary key.
 */
export async function oldestEntries(
  db: Queryable,
  { limit, bytesMax, after }: { limit: number; bytesMax: number; after: string },
): Promise<readonly StoredEntry[]> {
  const { rows } = await db.query<StoredEntry>({
    name: 'oldest-spool-entries',
    text: `
      select id, workspace_id as "workspaceId", event_id as "eventId",
             attempted_at as "attemptedAt", entry_sealed as "entrySealed"
        from spool
       where id = any(array(
         select id from (
           select id, row_number() over w as place, sum(size_bytes) over w as total
             from (select id, size_bytes from spool where id > $3::bigint
                    order by id limit $1) oldest
           window w as (order by id)
         ) sized
         where total <= $2 or place = 1))
       order by id`,
    values: [limit, bytesMax, after],
  })
  return rows
}

/** Before they are handed to Kafka: whoever comes after a crash has to ask the log for them. */
export async function markAttempted(db: Queryable, ids: readonly string[]): Promise<void> {
  await db.query({
    name: 'mark-spool-attempted',
    text: `update spool set attempted_at = now() where id = any($1::bigint[]) and attempted_at is null`,
    values: [ids],
  })
}

/**
 * Of all entries: since `at` each may be in the log, so the drain asks there before it writes one. How many
 * it were that were surely not in it before.
 */
export async function markAllAttempted(db: Queryable, at: number): Promise<number> {
  const { rowCount } = await db.query(
    'update spool set attempted_at = $1 where attempted_at is null',
    [new Date(at)],
  )
  return rowCount ?? 0
}

/** Of entries that cannot be brought into Kafka: nobody waits for them, and their age counts no more. */
export async function markStuck(db: Queryable, ids: readonly string[]): Promise<void> {
  await db.query({
    name: 'mark-spool-stuck',
    text: `update spool set stuck_at = now() where id = any($1::bigint[]) and stuck_at is null`,
    values: [ids],
  })
}

/** Removes entries that are in the log now. */
export async function deleteEntries(db: Queryable, ids: readonly string[]): Promise<void> {
  await db.query({
    name: 'delete-spool-entries',
    text: `
      with gone as (delete from spool where id = any($1::bigint[]) returning size_bytes)
      update spool_size
         set entries = entries - (select count(*) from gone),
             bytes = bytes - (select coalesce(sum(size_bytes), 0) from gone)`,
    values: [ids],
  })
}

/** One process drains at a time: two would write a workspace's entries in any order. */
export function withDrainLock(
  pool: Pool,
  work: (client: PoolClient) => Promise<void>,
): Promise<boolean> {
  return withAdvisoryLock(pool, 'callwebhook.spool.drain', work)
}
