import { type CallEvent, type EventKind, identify } from '../shared/call-event.ts'
import type { KnownEvent } from '../shared/postgres/published-events.ts'

/** What an event is, by what is known of its id. Pure. */
export type Recognition =
  /** Not known: it belongs into the log. */
  | { readonly kind: 'new' }
  | { readonly kind: 'repeated' }
  /** Known with other facts; only told where there is a fingerprint. */
  | { readonly kind: 'conflict' }
  /** A repeat that knows a recording, which the known event did not: the customer waits for it. */
  | { readonly kind: 'recording'; readonly ready: CallEvent }

export function recognize(
  event: CallEvent,
  fingerprint: Buffer | null,
  known: KnownEvent | null,
): Recognition {
  if (known === null) return { kind: 'new' }
  if (fingerprint !== null) {
    return { kind: known.fingerprint?.equals(fingerprint) ? 'repeated' : 'conflict' }
  }
  return tellsOfRecording(event, known)
    ? { kind: 'recording', ready: withEvent(event, 'call.recording_ready') }
    : { kind: 'repeated' }
}

function tellsOfRecording(event: CallEvent, known: KnownEvent): boolean {
  return (
    event.event === 'call.completed' &&
    event.recordingStatus === 'available' &&
    known.recordingStatus !== 'available'
  )
}

function withEvent(facts: CallEvent, event: EventKind): CallEvent {
  return identify({ ...facts, event }, facts.workspaceId)
}
