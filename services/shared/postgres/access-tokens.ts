import type { Pool, Queryable } from './pool.ts'
import { inTransaction } from './transaction.ts'

export interface NewAccessToken {
  /** SHA-256 of the token. */
  readonly tokenHash: Buffer
  readonly workspaceId: string
  readonly label: string | null
  /** Null: it does not end by itself. */
  readonly validSeconds: number | null
}

/** A token as it is told apart from others; the token itself is kept nowhere. */
export interface AccessToken {
  readonly id: string
  readonly label: string | null
  readonly createdAt: Date
  /** Null: it does not end by itself. */
  readonly expiresAt: Date | null
  /** To the minute; null: never. */
  readonly lastUsedAt: Date | null
}

const COLUMNS = `id, label, created_at as "createdAt", expires_at as "expiresAt",
  last_used_at as "lastUsedAt"`

/** Null when there is no such workspace. */
export async function insertAccessToken(
  db: Queryable,
  token: NewAccessToken,
): Promise<AccessToken | null> {
  const { rows } = await db.query<AccessToken>(
    `insert into access_tokens (token_hash, workspace_id, label, expires_at)
     select $1, id, $3, now() + make_interval(secs => $4) from workspaces where id = $2
     returning ${COLUMNS}`,
    [token.tokenHash, token.workspaceId, token.label, token.validSeconds],
  )
  return rows[0] ?? null
}

export interface TokenOwner {
  readonly workspaceId: string
  readonly tokenId: string
}

/**
 * The workspace that the token opens, and notes its use, at most once a minute: each note is a row
 * to write. Primary key.
 */
export async function findTokenOwner(db: Queryable, tokenHash: Buffer): Promise<TokenOwner | null> {
  const { rows } = await db.query<TokenOwner>(
    `with noted as (
       update access_tokens set last_used_at = now()
       where token_hash = $1 and (expires_at is null or expires_at > now())
         and (last_used_at is null or last_used_at < now() - interval '1 minute'))
     select workspace_id as "workspaceId", id as "tokenId" from access_tokens
     where token_hash = $1 and (expires_at is null or expires_at > now())`,
    [tokenHash],
  )
  return rows[0] ?? null
}

export interface AccessTokensQuery {
  readonly workspaceId: string
  /** The last one of the page before; null: from the newest on. */
  readonly before: { readonly createdAt: Date; readonly id: string } | null
  readonly limit: number
}

/**
 * Newest first, those that have expired included. Index `access_tokens_of_workspace`; a workspace has
 * a handful. By whole milliseconds, so that a cursor can name a place.
 */
export async function listAccessTokens(
  db: Queryable,
  { workspaceId, before, limit }: AccessTokensQuery,
): Promise<AccessToken[]> {
  const { rows } = await db.query<AccessToken>(
    `select ${COLUMNS} from access_tokens, date_trunc('milliseconds', created_at) as created
     where workspace_id = $1 and ($2::timestamptz is null or (created, id) < ($2, $3))
     order by created desc, id desc limit $4`,
    [workspaceId, before?.createdAt ?? null, before?.id ?? null, limit],
  )
  return rows
}

/** Whether there was one. The workspace is compared, too. */
export async function deleteAccessToken(
  db: Queryable,
  { id, workspaceId }: { id: string; workspaceId: string },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `delete from access_tokens where id = $1 and workspace_id = $2`,
    [id, workspaceId],
  )
  return rowCount === 1
}

/**
 * Ends everything that opens a workspace: its tokens, its sign-in links and its sessions. In this
 * order, statement by statement: a link that is being used holds its row, so the session that it
 * opens is there when sessions are looked for.
 */
export async function endAllAccess(pool: Pool, workspaceId: string): Promise<void> {
  await inTransaction(pool, async (client) => {
    for (const table of ['access_tokens', 'portal_links', 'sessions']) {
      await client.query(`delete from ${table} where workspace_id = $1`, [workspaceId])
    }
  })
}
