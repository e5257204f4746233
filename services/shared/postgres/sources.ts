import type { ProviderName } from '../call-event.ts'
import type { Queryable } from './pool.ts'

export interface Source {
  readonly id: string
  readonly workspaceId: string
  readonly provider: ProviderName
  readonly label: string | null
  readonly settingsSealed: string
  readonly createdAt: Date
}

/** A source as the normalizer reads by it. */
export interface SourceOfToken {
  readonly id: string
  readonly workspaceId: string
  readonly provider: ProviderName
  readonly settingsSealed: string
  /** IANA zone of the workspace. */
  readonly timezone: string
  /** ISO 3166 alpha-2 of the workspace. */
  readonly defaultCountry: string
}

export interface NewSource {
  readonly id: string
  readonly workspaceId: string
  readonly provider: ProviderName
  readonly label: string | null
  readonly settingsSealed: string
  /** SHA-256 of the token in the webhook URL. */
  readonly tokenHash: Buffer
}

export async function insertSource(db: Queryable, source: NewSource): Promise<void> {
  await db.query(
    `insert into sources (id, workspace_id, provider, label, settings_sealed, token_hash)
     values ($1, $2, $3, $4, $5, $6)`,
    [
      source.id,
      source.workspaceId,
      source.provider,
      source.label,
      source.settingsSealed,
      source.tokenHash,
    ],
  )
}

/** Oldest first. Index `sources_of_workspace`; a workspace has a handful of sources. */
export async function listSources(db: Queryable, workspaceId: string): Promise<Source[]> {
  const { rows } = await db.query<Source>(
    `select id, workspace_id as "workspaceId", provider, label,
            settings_sealed as "settingsSealed", created_at as "createdAt"
     from sources
     where workspace_id = $1
     order by created_at, id`,
    [workspaceId],
  )
  return rows
}

/** Unique index on `token_hash`; the hot path of the normalizer, which caches the answer. */
export async function findSourceByTokenHash(
  db: Queryable,
  tokenHash: Buffer,
): Promise<SourceOfToken | null> {
  const { rows } = await db.query<SourceOfToken>(
    `select s.id, s.workspace_id as "workspaceId", s.provider,
            s.settings_sealed as "settingsSealed",
            w.timezone, w.default_country as "defaultCountry"
     from sources s join workspaces w on w.id = s.workspace_id
     where s.token_hash = $1`,
    [tokenHash],
  )
  return rows[0] ?? null
}

/** Whether there was one. The workspace is compared, too: an id alone opens nobody else's. */
export async function deleteSource(
  db: Queryable,
  { id, workspaceId }: { id: string; workspaceId: string },
): Promise<boolean> {
  const { rowCount } = await db.query(`delete from sources where id = $1 and workspace_id = $2`, [
    id,
    workspaceId,
  ])
  return rowCount === 1
}
