import type { Pool } from 'pg'
import { keyOf, LEGS_MAX, type SessionKey, type SessionSource } from './held-legs.ts'

export interface StoredLeg extends SessionKey, SessionSource {
  readonly legId: string
  readonly legSealed: string
  /** Nothing more is expected: the session is due at once. */
  readonly closing: boolean
  /** Milliseconds of silence after which the session is due. */
  readonly windowMs: number
}

/** When it is not `held`, the leg was not stored. */
export type StoredAs =
  | 'held'
  | 'session_full' // its session holds as much as one may
  | 'sessions_full' // it opens a session, and its workspace has as many open ones as it may

/**
 * Bytes of a session's legs. A source that sends without end would else grow a session until the
 * process that merges it has no memory left.
 */
const LEG_BYTES_MAX = 256 * 1024
/**
 * Sessions of a workspace that are open: not published since their last leg. Whoever looks for what
 * is due goes over all of them, so one workspace must not have any number. With the usual window of
 * 60 s it is 160 new calls a second of one company.
 */
const SESSIONS_MAX = 10_000

/**
 * Stores legs, each replacing an earlier one of the same id, and says when their sessions are due.
 * Answers for each leg, in their order. Two replicas that store legs in the same moment do not see
 * each other's, so a session, or a workspace, may have a batch more than it may.
 */
export async function storeLegs(
  pool: Pool,
  legs: readonly StoredLeg[],
): Promise<readonly StoredAs[]> {
  // One statement may touch a row once: of a repeated leg the later counts.
  const newest = [...new Map(legs.map((leg) => [keyOf(leg, leg.legId), leg])).values()]
  const sessions = new Map<string, StoredLeg>()
  for (const leg of legs) {
    const key = keyOf(leg)
    sessions.set(key, { ...leg, closing: leg.closing || (sessions.get(key)?.closing ?? false) })
  }
  // Sorted, because two replicas that lock the same sessions in two orders would deadlock.
  const sorted = [...sessions].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, leg]) => leg)
  const { rows } = await pool.query<StoredRow>({
    name: 'store-legs',
    text: STORE_LEGS,
    values: [
      sorted.map((leg) => leg.sourceId),
      sorted.map((leg) => leg.sessionId),
      sorted.map((leg) => leg.workspaceId),
      sorted.map((leg) => leg.provider),
      sorted.map((leg) => leg.settingsSealed),
      sorted.map((leg) => leg.timezone),
      sorted.map((leg) => leg.defaultCountry),
      sorted.map((leg) => leg.closing),
      sorted.map((leg) => leg.windowMs),
      newest.map((leg) => leg.sourceId),
      newest.map((leg) => leg.sessionId),
      newest.map((leg) => leg.legId),
      newest.map((leg) => leg.legSealed),
      LEGS_MAX,
      LEG_BYTES_MAX,
    ],
  })
  return storedAs(legs, rows)
}

/** A row without a leg is a session that was not opened. */
type StoredRow = SessionKey & { readonly legId: string | null }

function storedAs(legs: readonly StoredLeg[], rows: readonly StoredRow[]): readonly StoredAs[] {
  const held = new Set<string>()
  const unopened = new Set<string>()
  for (const row of rows) {
    if (row.legId === null) unopened.add(keyOf(row))
    else held.add(keyOf(row, row.legId))
  }
  return legs.map((leg) => {
    if (unopened.has(keyOf(leg))) return 'sessions_full'
    return held.has(keyOf(leg, leg.legId)) ? 'held' : 'session_full'
  })
}

/**
 * A telling that comes again takes the place of the earlier one, so only its growth counts. Open
 * sessions are counted once for each workspace that opens one, by the index `held_sessions_open`:
 * `materialized`, or Postgres counts once for each session (200 that open took 600 ms).
 */
const STORE_LEGS = `
  with opening as (
    select source_id, session_id, workspace_id,
           row_number() over (partition by workspace_id order by place) as turn
      from unnest($1::text[], $2::text[], $3::text[])
             with ordinality as told (source_id, session_id, workspace_id, place)
     where not exists (
       select from held_sessions as held
        where held.source_id = told.source_id and held.session_id = told.session_id
          and held.due_at is not null)
  ),
  counted as materialized (
    select workspace_id, (
             select count(*) from (
               select from held_sessions as held
                where held.workspace_id = asked.workspace_id and held.due_at is not null
                limit ${SESSIONS_MAX}) as held
           ) as sessions
      from (select distinct workspace_id from opening) as asked
  ),
  unopened as (
    select source_id, session_id from opening join counted using (workspace_id)
     where sessions + turn > ${SESSIONS_MAX}
  ),
  told as (
    select told.*, same.leg_id is null as is_new,
           octet_length(told.leg_sealed) - coalesce(octet_length(same.leg_sealed), 0) as growth
      from unnest($10::text[], $11::text[], $12::text[], $13::text[])
             with ordinality as told (source_id, session_id, leg_id, leg_sealed, place)
      left join held_legs as same using (source_id, session_id, leg_id)
     where (source_id, session_id) not in (select source_id, session_id from unopened)
  ),
  fitting as (
    select source_id, session_id, leg_id, leg_sealed
      from (
        select told.*,
               sum(is_new::integer) over earlier as new_legs,
               sum(growth) over earlier as grown
          from told
        window earlier as (partition by source_id, session_id order by place)
      ) as told
      cross join lateral (
        select count(*) as legs, coalesce(sum(octet_length(leg_sealed)), 0) as bytes
          from held_legs as leg
         where leg.source_id = told.source_id and leg.session_id = told.session_id
      ) as known
     where known.legs + new_legs <= $14::integer and known.bytes + grown <= $15::integer
  ),
  session as (
    insert into held_sessions as held (
      source_id, session_id, workspace_id, provider, settings_sealed, timezone, default_country,
      closed, due_at
    )
    select source_id, session_id, workspace_id, provider, settings_sealed, timezone,
           default_country, closing,
           case when closing then now() else now() + window_ms * interval '1 millisecond' end
      from unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
        $8::boolean[], $9::integer[]
      ) as told (
        source_id, session_id, workspace_id, provider, settings_sealed, timezone,
        default_country, closing, window_ms
      )
     where exists (
       select from fitting
        where fitting.source_id = told.source_id and fitting.session_id = told.session_id)
    on conflict (source_id, session_id) do update set
      settings_sealed = excluded.settings_sealed,
      timezone = excluded.timezone,
      default_country = excluded.default_country,
      closed = held.closed or excluded.closed,
      due_at = case when held.closed then now() else excluded.due_at end,
      version = held.version + 1
  ),
  leg as (
    insert into held_legs (source_id, session_id, leg_id, leg_sealed)
    select source_id, session_id, leg_id, leg_sealed from fitting
    on conflict (source_id, session_id, leg_id) do update set
      leg_sealed = excluded.leg_sealed,
      received_at = excluded.received_at
    returning source_id, session_id, leg_id
  )
  select source_id as "sourceId", session_id as "sessionId", leg_id as "legId" from leg
  union all
  select source_id, session_id, null from unopened`
