import type { Pool, Queryable } from './pool.ts'
import { deleteEntries, lockSpool } from './spool.ts'
import { inTransaction } from './transaction.ts'

/** Table `deleted_workspaces`, and what a workspace leaves in tables that do not refer to it. */

export interface DeletedWorkspace {
  readonly id: string
  readonly deletedAt: Date
  /** Null: rows of it may still be there. */
  readonly erasedAt: Date | null
}

const COLUMNS = `id, deleted_at as "deletedAt", erased_at as "erasedAt"`

/**
 * Deletes it with its tokens, links, sessions, sources, connection, gaps and back-fills, and notes what
 * is left to erase. Told of one that was deleted before, it answers how far that is; null: there is
 * no such workspace. Normalizers and dispatchers hear of it by the triggers of the rows that go.
 */
export async function deleteWorkspace(db: Queryable, id: string): Promise<DeletedWorkspace | null> {
  const { rows } = await db.query<DeletedWorkspace>(
    `with gone as (delete from workspaces where id = $1 returning id),
     noted as (
       insert into deleted_workspaces (id) select id from gone
       on conflict (id) do update set deleted_at = now(), erased_at = null
       returning *)
     select ${COLUMNS} from noted
     union all
     select ${COLUMNS} from deleted_workspaces where id = $1 and not exists (select from noted)`,
    [id],
  )
  return rows[0] ?? null
}

/** Of which something may be left, those first that were deleted first. */
export async function workspacesToErase(db: Queryable): Promise<DeletedWorkspace[]> {
  const { rows } = await db.query<DeletedWorkspace>(
    `select ${COLUMNS} from deleted_workspaces where erased_at is null order by deleted_at limit 100`,
  )
  return rows
}

/**
 * Nothing was found of it. False while it is too early to say so: a delivery, a call in parts or a
 * cached source may be under way, and leave a row after everything was removed.
 */
export async function markErased(
  db: Queryable,
  id: string,
  { afterMinutes }: { readonly afterMinutes: number },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update deleted_workspaces set erased_at = now()
     where id = $1 and erased_at is null and deleted_at < now() - make_interval(mins => $2)`,
    [id, afterMinutes],
  )
  return rowCount === 1
}

/** The order is that of what matters most: calls that are stored, sealed, come first. */
export const ERASED_TABLES = [
  'spool',
  'held_sessions',
  'recording_checks',
  'dead_letters',
  'published_events',
  'delivery_attempts',
] as const

export type ErasedTable = (typeof ERASED_TABLES)[number]

/**
 * Removes about `limit` rows of a workspace and says how many. By an index that leads by the workspace,
 * but for `held_sessions`, which is small and read once.
 */
export function eraseSome(
  pool: Pool,
  table: ErasedTable,
  { workspaceId, limit }: { readonly workspaceId: string; readonly limit: number },
): Promise<number> {
  if (table === 'spool') return eraseEntries(pool, workspaceId, limit)
  if (table === 'delivery_attempts') return eraseAttempts(pool, workspaceId, limit)
  return eraseRows(pool, table, { workspaceId, limit })
}

async function eraseRows(
  pool: Pool,
  table: ErasedTable,
  { workspaceId, limit }: { readonly workspaceId: string; readonly limit: number },
): Promise<number> {
  const { rowCount } = await pool.query(
    `delete from ${table} where ctid = any(array(
       select ctid from ${table} where workspace_id = $1 limit $2 for update skip locked))`,
    [workspaceId, limit],
  )
  return rowCount ?? 0
}

/** By time: a row of a partitioned table has no place that is its alone. */
async function eraseAttempts(pool: Pool, workspaceId: string, limit: number): Promise<number> {
  const { rowCount } = await pool.query(
    `delete from delivery_attempts where workspace_id = $1 and at <= (
       select max(at) from (
         select at from delivery_attempts where workspace_id = $1 order by at limit $2) as oldest)`,
    [workspaceId, limit],
  )
  return rowCount ?? 0
}

/** The lock comes first, as in a drain, or the two would wait for each other. */
function eraseEntries(pool: Pool, workspaceId: string, limit: number): Promise<number> {
  return inTransaction(pool, async (client) => {
    await lockSpool(client)
    const { rows } = await client.query<{ id: string }>(
      `select id from spool where workspace_id = $1 order by id limit $2 for update skip locked`,
      [workspaceId, limit],
    )
    if (rows.length > 0) {
      await deleteEntries(
        client,
        rows.map(({ id }) => id),
      )
    }
    return rows.length
  })
}
