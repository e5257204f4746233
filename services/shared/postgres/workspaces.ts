import type { Pool, Queryable } from './pool.ts'
import { inTransaction } from './transaction.ts'

export interface Workspace {
  readonly id: string
  readonly name: string | null
  /** IANA zone. */
  readonly timezone: string
  /** ISO 3166 alpha-2. */
  readonly defaultCountry: string
  readonly createdAt: Date
}

export type NewWorkspace = Omit<Workspace, 'createdAt'>

const COLUMNS = `id, name, timezone, default_country as "defaultCountry", created_at as "createdAt"`

/** Primary key. */
export async function findWorkspace(db: Queryable, id: string): Promise<Workspace | null> {
  const { rows } = await db.query<Workspace>(`select ${COLUMNS} from workspaces where id = $1`, [
    id,
  ])
  return rows[0] ?? null
}

/**
 * Creates or changes; `isNew` tells which. The row is locked until the statement ends, so two at
 * once cannot both be new: `xmax` is 0 only in a row that nobody has updated. Null while the id is one
 * that was deleted: whoever got it could have the events delivered that the log still has of it.
 */
export function putWorkspace(
  pool: Pool,
  { id, name, timezone, defaultCountry }: NewWorkspace,
): Promise<(Workspace & { readonly isNew: boolean }) | null> {
  return inTransaction(pool, async (client) => {
    // Waits for a deletion that is under way, which the next statement then sees. Otherwise a workspace
    // would begin anew that counts as deleted, and its calls would be erased for an hour.
    await client.query('select from workspaces where id = $1 for no key update', [id])
    const { rows } = await client.query<Workspace & { isNew: boolean }>(
      `insert into workspaces (id, name, timezone, default_country)
       select $1, $2, $3, $4 where not exists (select from deleted_workspaces where id = $1)
       on conflict (id) do update
         set name = excluded.name,
             timezone = excluded.timezone,
             default_country = excluded.default_country
       returning ${COLUMNS}, xmax = 0 as "isNew"`,
      [id, name, timezone, defaultCountry],
    )
    return rows[0] ?? null
  })
}
