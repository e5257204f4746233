import type { Queryable } from './pool.ts'

export interface NewPortalLink {
  /** SHA-256 of the token in the link. */
  readonly tokenHash: Buffer
  readonly workspaceId: string
  readonly validSeconds: number
}

/**
 * Answers when the link expires; null when there is no such workspace. Forgets links that expired
 * a day ago (index `portal_links_age`), so nobody has to come for them.
 */
export async function insertPortalLink(db: Queryable, link: NewPortalLink): Promise<Date | null> {
  const { rows } = await db.query<{ expiresAt: Date }>(
    `with forgotten as (
       delete from portal_links where token_hash in (
         select token_hash from portal_links where expires_at < now() - interval '1 day'
         limit 100 for update skip locked))
     insert into portal_links (token_hash, workspace_id, expires_at)
     select $1, id, now() + make_interval(secs => $3) from workspaces where id = $2
     returning expires_at as "expiresAt"`,
    [link.tokenHash, link.workspaceId, link.validSeconds],
  )
  return rows[0]?.expiresAt ?? null
}

/**
 * Uses the link up and opens a session, both or none; false when there is nothing to use. Two at
 * once: the second waits for the first one's row and then finds it used. Primary key.
 */
export async function exchangePortalLink(
  db: Queryable,
  {
    linkHash,
    sessionHash,
    validSeconds,
  }: { linkHash: Buffer; sessionHash: Buffer; validSeconds: number },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `with used as (
       update portal_links set used_at = now()
       where token_hash = $1 and used_at is null and expires_at > now()
       returning workspace_id)
     insert into sessions (token_hash, workspace_id, expires_at)
     select $2, workspace_id, now() + make_interval(secs => $3) from used`,
    [linkHash, sessionHash, validSeconds],
  )
  return rowCount === 1
}

/** Why a link opens nothing; null: we know none like it (any more). Primary key. */
export async function findSpentPortalLink(
  db: Queryable,
  linkHash: Buffer,
): Promise<'used' | 'expired' | null> {
  const { rows } = await db.query<{ isUsed: boolean }>(
    `select used_at is not null as "isUsed" from portal_links where token_hash = $1`,
    [linkHash],
  )
  if (rows[0] === undefined) return null
  return rows[0].isUsed ? 'used' : 'expired'
}
