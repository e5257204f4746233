import type { Pool, PoolClient } from 'pg'
import type { ProviderName } from '../call-event.ts'
import { inTransaction } from './transaction.ts'

/**
 * Tables `held_sessions` and `held_legs`: calls that arrive in parts.
 *
 * A session is *due* when its time has come, *leased* while one replica publishes it. Nothing is
 * marked before it is in the log, so a crash in between publishes it again instead of losing it.
 */

export interface SessionKey {
  readonly sourceId: string
  readonly sessionId: string
}

/** What merging needs to know of the source. */
export interface SessionSource {
  readonly workspaceId: string
  readonly provider: ProviderName
  readonly settingsSealed: string
  readonly timezone: string
  readonly defaultCountry: string
}

/** A session that this process may publish until its lease ends. */
export interface LeasedSession extends SessionKey, SessionSource {
  readonly version: string
  /** Events published so far. */
  readonly revision: number
  readonly fingerprint: Buffer | null
  /** In the order of their arrival. */
  readonly legsSealed: readonly string[]
}

export interface PublishedSession extends SessionKey {
  /** As leased: a leg that came meanwhile has changed it, and the session stays due. */
  readonly version: string
  readonly revision: number
  readonly fingerprint: Buffer
}

/** Legs of a session: no call rings so many lines. */
export const LEGS_MAX = 200
/** For sessions from before there was a bound: read whole, one of them could end the process. */
const LEG_BYTES_READ_MAX = 2 * 1024 * 1024

/**
 * Takes at most `limit` due sessions for `leaseMs`, oldest first, with at most `bytesMax` bytes of
 * legs but at least one, and none of a workspace of which
 * one is being published: another replica would overtake it, and two calls change places. The rows
 * are locked only while they are taken, not while they are published: a leg that arrives meanwhile
 * must not wait for Kafka.
 */
export async function leaseDueSessions(
  pool: Pool,
  { limit, bytesMax, leaseMs }: { limit: number; bytesMax: number; leaseMs: number },
): Promise<readonly LeasedSession[]> {
  return inTransaction(pool, async (client) => {
    // One replica at a time: two that look together do not see each other's leases.
    await client.query(`select pg_advisory_xact_lock(${LEASE_LOCK})`)
    const { rows } = await client.query<Omit<LeasedSession, 'legsSealed'>>({
      name: 'lease-due-sessions',
      text: LEASE_DUE_SESSIONS,
      values: [limit, leaseMs, bytesMax],
    })
    // After the lock and in its transaction: nothing can be added to what is read here.
    const legs = rows.length === 0 ? new Map() : await legsOf(client, rows)
    return rows.map((row) => ({ ...row, legsSealed: legs.get(keyOf(row)) ?? [] }))
  })
}

const LEASE_LOCK = `hashtext('callwebhook.sessions.lease')`

/** The first of each workspace, then the second: thousands of one would delay everybody's. */
const LEASE_DUE_SESSIONS = `
  with ranked as (
    select source_id, session_id,
           row_number() over (partition by workspace_id order by due_at, source_id, session_id) as turn
      from held_sessions as held
     where due_at <= now()
       and not exists (
         select from held_sessions as ahead
          where ahead.workspace_id = held.workspace_id and ahead.leased_until >= now())
  ),
  locked as (
    select source_id, session_id, due_at, turn
      from held_sessions join ranked using (source_id, session_id)
     where due_at <= now()
     order by turn, due_at
     limit $1
       for update of held_sessions skip locked
  ),
  due as (
    select source_id, session_id from (
      select source_id, session_id, sum(bytes) over earlier as bytes,
             row_number() over earlier as place
        from locked cross join lateral (
          select coalesce(sum(octet_length(leg_sealed)), 0) as bytes from held_legs as leg
           where leg.source_id = locked.source_id and leg.session_id = locked.session_id
        ) as legs
      window earlier as (order by turn, due_at, source_id, session_id)
    ) as sized
     where place = 1 or bytes <= $3::integer
  ),
  leased as (
    update held_sessions as held
       set leased_until = now() + $2::integer * interval '1 millisecond'
      from due
     where held.source_id = due.source_id and held.session_id = due.session_id
    returning held.*
  )
  select source_id as "sourceId", session_id as "sessionId", workspace_id as "workspaceId",
         provider, settings_sealed as "settingsSealed", timezone,
         default_country as "defaultCountry", version, revision, fingerprint
    from leased
   order by due_at`

async function legsOf(
  client: PoolClient,
  sessions: readonly SessionKey[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await client.query<SessionKey & { legsSealed: readonly string[] }>({
    name: 'legs-of-sessions',
    text: `
      select wanted.source_id as "sourceId", wanted.session_id as "sessionId",
             array(
               select leg_sealed from (
                 select leg_sealed, received_at, leg_id,
                        sum(octet_length(leg_sealed)) over (order by received_at, leg_id) as bytes
                   from held_legs as leg
                  where leg.source_id = wanted.source_id and leg.session_id = wanted.session_id
               ) as legs
                where bytes <= ${LEG_BYTES_READ_MAX}
                order by received_at, leg_id
                limit ${LEGS_MAX}
             ) as "legsSealed"
        from unnest($1::text[], $2::text[]) as wanted (source_id, session_id)`,
    values: [sessions.map((key) => key.sourceId), sessions.map((key) => key.sessionId)],
  })
  return new Map(rows.map((row) => [keyOf(row), row.legsSealed]))
}

/** Marks sessions whose event is in the log and gives up their leases. */
export async function markSessionsPublished(
  pool: Pool,
  sessions: readonly PublishedSession[],
): Promise<void> {
  await pool.query({
    name: 'mark-sessions-published',
    text: `
      update held_sessions as held
         set revision = done.revision,
             fingerprint = done.fingerprint,
             published_at = now(),
             leased_until = null,
             due_at = case when held.version = done.version then null else held.due_at end
        from unnest($1::text[], $2::text[], $3::bigint[], $4::integer[], $5::bytea[])
          as done (source_id, session_id, version, revision, fingerprint)
       where held.source_id = done.source_id and held.session_id = done.session_id`,
    values: [
      sessions.map((session) => session.sourceId),
      sessions.map((session) => session.sessionId),
      sessions.map((session) => session.version),
      sessions.map((session) => session.revision),
      sessions.map((session) => session.fingerprint),
    ],
  })
}

/**
 * Gives up the leases of sessions that could not be published, which are due again in `delayMs`:
 * their workspaces' others go ahead, or one that fails each time would hold them up for ever.
 */
export async function postponeSessions(
  pool: Pool,
  { sessions, delayMs }: { sessions: readonly SessionKey[]; delayMs: number },
): Promise<void> {
  await pool.query({
    name: 'postpone-sessions',
    text: `
      update held_sessions as held
         set leased_until = null,
             due_at = now() + $3::integer * interval '1 millisecond'
        from unnest($1::text[], $2::text[]) as failed (source_id, session_id)
       where held.source_id = failed.source_id and held.session_id = failed.session_id`,
    values: [
      sessions.map((session) => session.sourceId),
      sessions.map((session) => session.sessionId),
      delayMs,
    ],
  })
}

/** By session, or by leg. */
export function keyOf({ sourceId, sessionId }: SessionKey, legId = ''): string {
  return `${sourceId}\0${sessionId}\0${legId}`
}
