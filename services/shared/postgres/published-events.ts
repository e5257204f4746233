import type { Pool } from 'pg'
import type { EventProvider, RecordingStatus } from '../call-event.ts'

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
  pool: Pool,
  eventIds: readonly string[],
): Promise<readonly KnownEvent[]> {
  const { rows } = await pool.query<KnownEvent>({
    name: 'find-published-events',
    text: `
      select event_id as "eventId", recording_status as "recordingStatus", fingerprint
        from published_events
       where event_id = any($1::text[])`,
    values: [eventIds],
  })
  return rows
}

/** Records events of one batch. One that another replica recorded meanwhile stays as it is. */
export async function recordPublishedEvents(
  pool: Pool,
  events: readonly PublishedEvent[],
): Promise<void> {
  // In one order everywhere: two replicas that insert the same ids in two orders would deadlock.
  const rows = events.toSorted((a, b) => (a.eventId < b.eventId ? -1 : 1))
  await pool.query({
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

/**
 * Removes at most `limit` events older than `days` and says how many. In chunks, because one
 * delete of a week's rows would hold its locks and bloat the table for minutes; rows that another
 * replica is removing are skipped.
 */
export async function forgetPublishedEvents(
  pool: Pool,
  { days, limit }: { days: number; limit: number },
): Promise<number> {
  const { rowCount } = await pool.query({
    name: 'forget-published-events',
    text: `
      delete from published_events
       where event_id in (
         select event_id from published_events
          where published_at < now() - make_interval(days => $1)
          order by published_at
          limit $2
            for update skip locked
       )`,
    values: [days, limit],
  })
  return rowCount ?? 0
}
