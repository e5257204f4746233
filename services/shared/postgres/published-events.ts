import type { Pool } from 'pg'
import type { EventProvider, RecordingStatus } from '../call-event.ts'
import type { Queryable } from './pool.ts'

/** Table `published_events`: which events are in the log already. */

export interface PublishedEvent {
  readonly eventId: string
  readonly workspaceId: string
  readonly callId: string
  readonly provider: EventProvider
  readonly providerCallId: string
  readonly recordingStatus: RecordingStatus
  /** Hash of the facts, null where the event's repeats are told by its id alone. */
  readonly fingerprint: Buffer | null
}

/** What is needed to judge a repeat. */
export type KnownEvent = Pick<PublishedEvent, 'eventId' | 'recordingStatus' | 'fingerprint'>

/** Those of the ids that were published, in any order. Uses the primary key. */
export async function findPublishedEvents(
  db: Queryable,
  eventIds: readonly string[],
): Promise<readonly KnownEvent[]> {
  const { rows } = await db.query<KnownEvent>({
    name: 'find-published-events',
    text: `
      select event_id as "eventId", recording_status as "recordingStatus", fingerprint
        from published_events
       where event_id = any($1::text[])`,
    values: [eventIds],
  })
  return rows
}

/** What one look at Postgres tells of events about to be published. */
export interface Sighting {
  /** Those of them that were published, or wait in the spool. */
  readonly events: readonly KnownEvent[]
  /** Those of their workspaces that have entries in the spool which are not stuck. */
  readonly queued: ReadonlySet<string>
  /** Whether anybody has. */
  readonly isSpoolUsed: boolean
}

/**
 * In one round trip and one snapshot: primary key, `spool_of_event`, `spool_of_workspace`. In calm
 * times the spool is empty, and its three parts cost next to nothing.
 */
export async function sightEvents(
  pool: Pool,
  events: readonly Pick<PublishedEvent, 'eventId' | 'workspaceId'>[],
): Promise<Sighting> {
  const { rows } = await pool.query<SightRow>({
    name: 'sight-events',
    text: SIGHT_EVENTS,
    values: [
      [...new Set(events.map(({ eventId }) => eventId))],
      [...new Set(events.map(({ workspaceId }) => workspaceId))],
    ],
  })
  const queued = rows.flatMap(({ workspaceId }) => workspaceId ?? [])
  return {
    events: rows.flatMap(({ eventId, recordingStatus, fingerprint }) =>
      eventId && recordingStatus ? { eventId, recordingStatus, fingerprint } : [],
    ),
    queued: new Set(queued),
    isSpoolUsed: rows.some((row) => row.isSpoolUsed),
  }
}

interface SightRow {
  readonly eventId: string | null
  readonly recordingStatus: RecordingStatus | null
  readonly fingerprint: Buffer | null
  readonly workspaceId: string | null
  readonly isSpoolUsed: boolean
}

const SIGHT_EVENTS = `
  select event_id as "eventId", recording_status as "recordingStatus", fingerprint,
         null as "workspaceId", false as "isSpoolUsed"
    from published_events where event_id = any($1::text[])
  union all
  select event_id, recording_status, fingerprint, null, true
    from spool where event_id = any($1::text[])
  union all
  select null, null, null, workspace_id, true
    from unnest($2::text[]) as asked (workspace_id)
   where exists (
     select from spool where spool.workspace_id = asked.workspace_id and stuck_at is null)
  union all
  select null, null, null, null, true where exists (select from spool where stuck_at is null)`

/** Records events of one batch. One that another replica recorded meanwhile stays as it is. */
export async function recordPublishedEvents(
  db: Queryable,
  events: readonly PublishedEvent[],
): Promise<void> {
  // In one order everywhere: two replicas that insert the same ids in two orders would deadlock.
  const rows = events.toSorted((a, b) => (a.eventId < b.eventId ? -1 : 1))
  await db.query({
    name: 'record-published-events',
    text: `
      insert into published_events (
        event_id, workspace_id, call_id, provider, provider_call_id, recording_status, fingerprint
      )
      select * from unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[]
      )
      on conflict (event_id) do nothing`,
    values: [
      rows.map((row) => row.eventId),
      rows.map((row) => row.workspaceId),
      rows.map((row) => row.callId),
      rows.map((row) => row.provider),
      rows.map((row) => row.providerCallId),
      rows.map((row) => row.recordingStatus),
      rows.map((row) => row.fingerprint),
    ],
  })
}

export interface EventOfCall {
  readonly eventId: string
  readonly callId: string
  readonly provider: EventProvider
  readonly publishedAt: Date
}

/** Oldest first; a call has a handful, the rest is left out. By the index on call_id. */
export async function findEventsOfCall(
  db: Queryable,
  { workspaceId, callIds }: { readonly workspaceId: string; readonly callIds: readonly string[] },
): Promise<readonly EventOfCall[]> {
  const { rows } = await db.query<EventOfCall>({
    name: 'find-events-of-call',
    text: `
      select event_id as "eventId", call_id as "callId", provider, published_at as "publishedAt"
        from published_events
       where call_id = any($1::text[]) and workspace_id = $2
       order by published_at, event_id
       limit 100`,
    values: [callIds, workspaceId],
  })
  return rows
}

export type CallName = Pick<PublishedEvent, 'provider' | 'providerCallId'>

/** How the provider names a call that was published; null when none is known by this id. */
export async function findCall(
  pool: Pool,
  { workspaceId, callId }: { workspaceId: string; callId: string },
): Promise<CallName | null> {
  const { rows } = await pool.query<CallName>({
    name: 'find-call',
    // By the index on call_id; the workspace only keeps others' calls out of reach.
    text: `
      select provider, provider_call_id as "providerCallId"
        from published_events
       where call_id = $1 and workspace_id = $2
       limit 1`,
    values: [callId, workspaceId],
  })
  return rows[0] ?? null
}
