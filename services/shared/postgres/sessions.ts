import type { Queryable } from './pool.ts'

export interface Session {
  readonly workspaceId: string
  readonly workspaceName: string | null
  /** IANA zone. */
  readonly timezone: string
  readonly expiresAt: Date
}

export interface NewSession {
  /** SHA-256 of the cookie. */
  readonly tokenHash: Buffer
  readonly workspaceId: string
  readonly validSeconds: number
}

const COLUMNS = `w.id as "workspaceId", w.name as "workspaceName", w.timezone`

/**
 * Null when there is no such workspace. Forgets sessions that have ended (index `sessions_age`), so
 * nobody has to come for them.
 */
export async function insertSession(db: Queryable, session: NewSession): Promise<Session | null> {
  const { rows } = await db.query<Session>(
    `with forgotten as (
       delete from sessions where token_hash in (
         select token_hash from sessions where expires_at < now()
         limit 100 for update skip locked)),
     opened as (
       insert into sessions (token_hash, workspace_id, expires_at)
       select $1, id, now() + make_interval(secs => $3) from workspaces where id = $2
       returning workspace_id, expires_at)
     select ${COLUMNS}, o.expires_at as "expiresAt"
     from opened o join workspaces w on w.id = o.workspace_id`,
    [session.tokenHash, session.workspaceId, session.validSeconds],
  )
  return rows[0] ?? null
}

/** Null when it has ended. Primary key. */
export async function findSession(db: Queryable, tokenHash: Buffer): Promise<Session | null> {
  const { rows } = await db.query<Session>(
    `select ${COLUMNS}, s.expires_at as "expiresAt"
     from sessions s join workspaces w on w.id = s.workspace_id
     where s.token_hash = $1 and s.expires_at > now()`,
    [tokenHash],
  )
  return rows[0] ?? null
}

/** Primary key. */
export async function deleteSession(db: Queryable, tokenHash: Buffer): Promise<void> {
  await db.query(`delete from sessions where token_hash = $1`, [tokenHash])
}
