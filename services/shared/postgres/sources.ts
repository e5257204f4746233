import type { ProviderName } from '../call-event.ts'
import type { Pool, Queryable } from './pool.ts'
import { inTransaction } from './transaction.ts'

export interface Source {
  readonly id: string
  readonly workspaceId: string
  readonly provider: ProviderName
  readonly label: string | null
  readonly settingsSealed: string
  readonly createdAt: Date
  /** Null: no webhook has come yet. */
  readonly firstEventAt: Date | null
  readonly lastEventAt: Date | null
  /** Until then the token before the last rotation works as well; null: it does not. */
  readonly previousValidUntil: Date | null
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
  /** Until when the token in question opens it; null: no end. */
  readonly tokenValidUntil: Date | null
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

/**
 * Inserts it unless the workspace has `sourcesMax` already; says whether it did. In turns: of two that
 * look in the same moment, each would find room for itself.
 */
export async function insertSourceWithin(
  pool: Pool,
  source: NewSource,
  sourcesMax: number,
): Promise<boolean> {
  return inTransaction(pool, async (client) => {
    await client.query('select from workspaces where id = $1 for no key update', [
      source.workspaceId,
    ])
    const { rows } = await client.query<{ hasRoom: boolean }>(
      'select count(*) < $2 as "hasRoom" from sources where workspace_id = $1',
      [source.workspaceId, sourcesMax],
    )
    const hasRoom = rows[0]?.hasRoom ?? false
    if (hasRoom) await insertSource(client, source)
    return hasRoom
  })
}

export interface ListedSource extends Source {
  /** Microseconds since 1970, exact where a `Date` is not: for the cursor behind it. */
  readonly createdMicros: number
}

export interface SourcesQuery {
  readonly workspaceId: string
  readonly limit: number
  /** Null: from the first one on. */
  readonly after: { readonly createdMicros: number; readonly id: string } | null
}

/** Oldest first. Index `sources_of_workspace`, then primary key; a workspace has 50 at most. */
export async function listSources(
  db: Queryable,
  { workspaceId, limit, after }: SourcesQuery,
): Promise<ListedSource[]> {
  const { rows } = await db.query<Omit<ListedSource, 'createdMicros'> & { createdMicros: string }>(
    `select id, workspace_id as "workspaceId", provider, label,
            settings_sealed as "settingsSealed", created_at as "createdAt",
            first_event_at as "firstEventAt", last_event_at as "lastEventAt",
            case when previous_token_until > now() then previous_token_until end
              as "previousValidUntil",
            (extract(epoch from created_at) * 1000000)::bigint::text as "createdMicros"
     from sources left join source_activity on source_id = id
     where workspace_id = $1
       and ($3::bigint is null
            or (created_at, id) > (timestamptz 'epoch' + $3 * interval '1 microsecond', $4::text))
     order by created_at, id
     limit $2`,
    [workspaceId, limit, after?.createdMicros ?? null, after?.id ?? null],
  )
  return rows.map((row) => ({ ...row, createdMicros: Number(row.createdMicros) }))
}

/**
 * By the current token, or the one before if it was valid at `at`; null: now. Unique indexes on
 * `token_hash` and `previous_token_hash`; the hot path of the normalizer, which caches the answer.
 */
export async function findSourceByTokenHash(
  db: Queryable,
  tokenHash: Buffer,
  at: Date | null = null,
): Promise<SourceOfToken | null> {
  const { rows } = await db.query<SourceOfToken>(
    `select s.id, s.workspace_id as "workspaceId", s.provider,
            s.settings_sealed as "settingsSealed",
            w.timezone, w.default_country as "defaultCountry",
            case when s.token_hash <> $1 then s.previous_token_until end as "tokenValidUntil"
     from sources s join workspaces w on w.id = s.workspace_id
     where s.token_hash = $1
       or (s.previous_token_hash = $1
         and s.previous_token_until > coalesce($2::timestamptz, now()))`,
    [tokenHash, at],
  )
  return rows[0] ?? null
}

/** For what names a source by its id and proves by other means that it may. Primary key. */
export async function findSourceById(db: Queryable, id: string): Promise<SourceOfToken | null> {
  const { rows } = await db.query<SourceOfToken>(
    `select s.id, s.workspace_id as "workspaceId", s.provider,
            s.settings_sealed as "settingsSealed",
            w.timezone, w.default_country as "defaultCountry", null as "tokenValidUntil"
     from sources s join workspaces w on w.id = s.workspace_id
     where s.id = $1`,
    [id],
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

/**
 * Replaces the token in the webhook URL; the one before opens the source for another 24 hours, until
 * the time answered, one before that no more. Null when the workspace has no such source. Primary key.
 */
export async function rotateSourceToken(
  db: Queryable,
  { id, workspaceId, tokenHash }: { id: string; workspaceId: string; tokenHash: Buffer },
): Promise<Date | null> {
  const { rows } = await db.query<{ validUntil: Date }>(
    `update sources
     set previous_token_hash = token_hash, previous_token_until = now() + interval '24 hours',
         token_hash = $3
     where id = $1 and workspace_id = $2
     returning previous_token_until as "validUntil"`,
    [id, workspaceId, tokenHash],
  )
  return rows[0]?.validUntil ?? null
}
