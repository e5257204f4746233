import { type Queryable, timestamp } from './pool.ts'

export const BACKFILL_STATES = ['queued', 'running', 'done', 'cancelled', 'failed'] as const
export const BACKFILL_MODES = ['gaps', 'all'] as const

export type BackfillState = (typeof BACKFILL_STATES)[number]
export type BackfillMode = (typeof BACKFILL_MODES)[number]

export interface Backfill {
  readonly id: string
  readonly since: Date
  readonly until: Date
  readonly mode: BackfillMode
  readonly state: BackfillState
  readonly replayed: number
  readonly positionAt: Date | null
  readonly createdAt: Date
}

const COLUMNS = `
  id, since, until, mode, state, replayed, position_at as "positionAt", created_at as "createdAt"`

export interface NewBackfill {
  readonly id: string
  readonly workspaceId: string
  readonly since: Date
  readonly until: Date
  readonly mode: BackfillMode
}

/** Whole milliseconds in `created_at`, so that a cursor can name it. */
export async function insertBackfill(db: Queryable, row: NewBackfill): Promise<void> {
  await db.query(
    `insert into backfills (id, workspace_id, since, until, mode, created_at)
     values ($1, $2, $3, $4, $5, date_trunc('milliseconds', now()))`,
    [row.id, row.workspaceId, row.since, row.until, row.mode],
  )
}

/** The request is durable in the log. Primary key. */
export async function markBackfillAsked(db: Queryable, id: string): Promise<void> {
  await db.query(`update backfills set asked_at = now() where id = $1`, [id])
}

/** Primary key. */
export async function findBackfill(
  db: Queryable,
  workspaceId: string,
  id: string,
): Promise<Backfill | null> {
  const { rows } = await db.query<Backfill>(
    `select ${COLUMNS} from backfills where id = $2 and workspace_id = $1`,
    [workspaceId, id],
  )
  return rows[0] ?? null
}

export interface BackfillsQuery {
  readonly workspaceId: string
  /** The last one of the page before; null: from the newest on. */
  readonly before: { readonly createdAt: Date; readonly id: string } | null
  readonly limit: number
}

/** Newest first. Index `backfills_by_workspace`. */
export async function listBackfills(
  db: Queryable,
  { workspaceId, before, limit }: BackfillsQuery,
): Promise<Backfill[]> {
  const { rows } = await db.query<Backfill>(
    `select ${COLUMNS} from backfills
     where workspace_id = $1 and ($2::timestamptz is null or (created_at, id) < ($2, $3))
     order by created_at desc, id desc limit $4`,
    [workspaceId, before?.createdAt ?? null, before?.id ?? null, limit],
  )
  return rows
}

/**
 * What follows from back-fills that were called off: dispatchers are told, since the request may be
 * in the log, and a dead letter that one of them was to bring and has not counts as not sent again.
 */
const CALLED_OFF = `
  told as (
    update connections c set version = version + 1 from called_off b
    where c.workspace_id = b.workspace_id),
  released as (
    update dead_letters d set resent_at = null, resent_by = null from called_off b
    where d.workspace_id = b.workspace_id and d.resent_by = b.id and b.replayed = 0)`

/** Null when it is over, or none of this workspace. Primary key. */
export async function callOffBackfill(
  db: Queryable,
  { workspaceId, id }: { readonly workspaceId: string; readonly id: string },
  state: 'cancelled' | 'failed',
): Promise<Backfill | null> {
  const { rows } = await db.query<Backfill>(
    `with called_off as (
       update backfills set state = $3
       where id = $2 and workspace_id = $1 and state in ('queued', 'running')
       returning *),
     ${CALLED_OFF}
     select ${COLUMNS} from called_off`,
    [workspaceId, id, state],
  )
  return rows[0] ?? null
}

/**
 * Fails what nobody will ever begin: whoever asked died before the request was durable, or it has
 * left the log. Index `backfills_queued`.
 */
export async function failLostBackfills(db: Queryable): Promise<void> {
  await db.query(
    `with called_off as (
       update backfills set state = 'failed'
       where state = 'queued'
         and created_at < now() - case when asked_at is null then interval '1 minute'
                                       else interval '7 days' end
       returning *),
     ${CALLED_OFF}
     select 1`,
  )
}

/** Fails all that wait or are under way: what they were to bring, or how far they are, is gone from Kafka. */
export async function failBackfills(db: Queryable): Promise<void> {
  await db.query(
    `with called_off as (
       update backfills set state = 'failed' where state in ('queued', 'running') returning *),
     ${CALLED_OFF}
     select 1`,
  )
}

/** How far a back-fill is: what was sent since the last time, and up to which log time. */
export interface BackfillProgress {
  readonly id: string
  readonly replayed: number
  /** Log time, milliseconds since 1970. */
  readonly positionAt: number | null
  /** Null: it goes on. */
  readonly end: 'done' | 'failed' | null
}

/**
 * Primary key. One that was called off stays so. A closed gap is filled once a back-fill that covers
 * it is done; the API tells times in whole milliseconds, so they are compared in those. What has
 * left the log it has not brought, so such a gap is never filled.
 */
export async function addBackfillProgress(
  db: Queryable,
  rows: readonly BackfillProgress[],
): Promise<void> {
  await db.query(
    `with progressed as (
       update backfills b
       set replayed = b.replayed + u.replayed,
           position_at = greatest(b.position_at, u.position_at),
           state = case when b.state in ('cancelled', 'failed') then b.state
                   else coalesce(u.ended, 'running') end
       from unnest($1::text[], $2::int[], $3::timestamptz[], $4::text[])
         as u (id, replayed, position_at, ended)
       where b.id = u.id
       returning b.*),
     filled as (
       update gaps g set backfilled_at = now() from progressed b
       where b.state = 'done' and g.workspace_id = b.workspace_id
         and g.to_at is not null and g.backfilled_at is null and g.reason <> 'deleted'
         and b.since <= g.from_at and b.until >= date_trunc('milliseconds', g.to_at))
     update dead_letters d set resent_at = null, resent_by = null from progressed b
     where b.state = 'failed' and b.replayed = 0
       and d.workspace_id = b.workspace_id and d.resent_by = b.id`,
    [
      rows.map((row) => row.id),
      rows.map((row) => row.replayed),
      rows.map((row) => timestamp(row.positionAt)),
      rows.map((row) => row.end),
    ],
  )
}
