import type { Queryable } from './pool.ts'

export interface NewAccessToken {
  /** SHA-256 of the token. */
  readonly tokenHash: Buffer
  readonly workspaceId: string
  readonly label: string | null
}

export async function insertAccessToken(db: Queryable, token: NewAccessToken): Promise<void> {
  await db.query(
    `insert into access_tokens (token_hash, workspace_id, label) values ($1, $2, $3)`,
    [token.tokenHash, token.workspaceId, token.label],
  )
}

/** The workspace that the token opens. Primary key. */
export async function findWorkspaceIdByTokenHash(
  db: Queryable,
  tokenHash: Buffer,
): Promise<string | null> {
  const { rows } = await db.query<{ workspaceId: string }>(
    `select workspace_id as "workspaceId" from access_tokens where token_hash = $1`,
    [tokenHash],
  )
  return rows[0]?.workspaceId ?? null
}
