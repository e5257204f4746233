import { aCallEvent } from './builders.ts'
import type { Rig } from './rig.ts'

/** As a normalizer says it once the call is in the log. `at`: milliseconds since 1970. */
export async function addPublished(
  rig: Pick<Rig, 'query'>,
  { workspaceId, number, at }: { workspaceId: string; number: number; at: number },
): Promise<string> {
  const event = aCallEvent(workspaceId, String(number))
  await rig.query(
    `insert into published_events
       (event_id, workspace_id, call_id, provider, provider_call_id, recording_status, published_at)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [
      event.eventId,
      workspaceId,
      event.callId,
      event.provider,
      event.providerCallId,
      event.recordingStatus,
      new Date(at),
    ],
  )
  return event.eventId
}
