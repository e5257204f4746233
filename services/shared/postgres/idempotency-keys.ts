import type { Queryable } from './pool.ts'

export interface IdempotencyKey {
  readonly workspaceId: string
  /** Method and template of the path. */
  readonly route: string
  readonly key: string
}

export interface StoredAnswer {
  readonly requestHash: Buffer
  /** Null while the request is under way, as is the answer. */
  readonly status: number | null
  readonly answerSealed: string | null
}

/** For so long an answer is remembered. */
const REMEMBERED = `interval '24 hours'`
/** Longer than any request takes: whoever held the key for longer is gone. */
const UNDER_WAY_MAX = `interval '1 minute'`

/**
 * Takes the key for one request; false when another one has it or has answered. Primary key: of
 * two at once the second waits for the first one's row.
 */
export async function claimIdempotencyKey(
  db: Queryable,
  { workspaceId, route, key }: IdempotencyKey,
  claim: { readonly id: string; readonly requestHash: Buffer },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into idempotency_keys as k (workspace_id, route, key, request_hash, claim_id)
     select id, $2, $3, $4, $5 from workspaces where id = $1
     on conflict (workspace_id, route, key) do update
       set request_hash = excluded.request_hash, claim_id = excluded.claim_id,
           claimed_at = now(), status = null, answer_sealed = null
       where k.claimed_at < now() - ${REMEMBERED}
         or (k.status is null and k.claimed_at < now() - ${UNDER_WAY_MAX})`,
    [workspaceId, route, key, claim.requestHash, claim.id],
  )
  return rowCount === 1
}

/** Primary key. */
export async function findStoredAnswer(
  db: Queryable,
  { workspaceId, route, key }: IdempotencyKey,
): Promise<StoredAnswer | null> {
  const { rows } = await db.query<StoredAnswer>(
    `select request_hash as "requestHash", status, answer_sealed as "answerSealed"
     from idempotency_keys where workspace_id = $1 and route = $2 and key = $3`,
    [workspaceId, route, key],
  )
  return rows[0] ?? null
}

/**
 * Only while the claim still holds the key. Primary key. Forgets keys whose day is over (index
 * `idempotency_keys_age`), so nobody has to come for them.
 */
export async function storeAnswer(
  db: Queryable,
  { workspaceId, route, key }: IdempotencyKey,
  answer: { readonly claimId: string; readonly status: number; readonly answerSealed: string },
): Promise<void> {
  await db.query(
    `with forgotten as (
       delete from idempotency_keys where (workspace_id, route, key) in (
         select workspace_id, route, key from idempotency_keys
         where claimed_at < now() - ${REMEMBERED}
         limit 100 for update skip locked))
     update idempotency_keys set status = $5, answer_sealed = $6
     where workspace_id = $1 and route = $2 and key = $3 and claim_id = $4`,
    [workspaceId, route, key, answer.claimId, answer.status, answer.answerSealed],
  )
}

/** The request has created nothing: whoever repeats it may try again. Primary key. */
export async function releaseIdempotencyKey(
  db: Queryable,
  { workspaceId, route, key }: IdempotencyKey,
  claimId: string,
): Promise<void> {
  await db.query(
    `delete from idempotency_keys
     where workspace_id = $1 and route = $2 and key = $3 and claim_id = $4`,
    [workspaceId, route, key, claimId],
  )
}
