import type { CallEvent } from '../../shared/call-event.ts'
import type { KnownEvent } from '../../shared/postgres/published-events.ts'
import { type Recognition, recognize } from '../recognize.ts'
import type { Entry } from './entry.ts'

/** Decides what becomes of spooled entries once Kafka is back. Pure. */

export interface OpenedEntry {
  readonly id: string
  /** Since when it may be in the log without our knowing; null: it surely is not. */
  readonly attemptedAt: Date | null
  readonly entry: Entry
}

export interface DrainStep {
  readonly id: string
  readonly attemptedAt: Date | null
  readonly decision: /** `fingerprint` is that of the event; a recording has none. */
    | { readonly kind: 'event'; readonly event: CallEvent; readonly fingerprint: Buffer | null }
    | Extract<Entry, { kind: 'rejected' }>
    /** Nothing to write: it is in the log. */
    | { readonly kind: 'repeated' }
    /** Another event is in the log under its id: two producers used one id in one moment. */
    | { readonly kind: 'conflict' }
}

/** Ids to look up before `planDrain`: of the events, and of what their recordings would be. */
export function idsToLookUp(entries: readonly OpenedEntry[]): string[] {
  const ids = entries.flatMap(({ entry }) => {
    if (entry.kind === 'rejected') return []
    const seen = recognize(entry.event, null, { ...entry.event, ...PENDING })
    return seen.kind === 'recording'
      ? [entry.event.eventId, seen.ready.eventId]
      : [entry.event.eventId]
  })
  return [...new Set(ids)]
}

const PENDING = { recordingStatus: 'pending', fingerprint: null } as const

/**
 * In the order of the entries, as if each had come after the one before was published: a second
 * entry of one event is a repeat, or tells of its recording right at its own place.
 */
export function planDrain(
  entries: readonly OpenedEntry[],
  published: readonly KnownEvent[],
): DrainStep[] {
  const known = new Map(published.map((event) => [event.eventId, event]))
  return entries.map(({ id, attemptedAt, entry }) => {
    if (entry.kind === 'rejected') return { id, attemptedAt, decision: entry }
    const decision = decide(entry.event, entry.fingerprint, known)
    if (decision.kind === 'event') known.set(decision.event.eventId, knownAs(decision))
    return { id, attemptedAt, decision }
  })
}

function decide(
  event: CallEvent,
  fingerprint: Buffer | null,
  known: ReadonlyMap<string, KnownEvent>,
): DrainStep['decision'] {
  const recognition: Recognition = recognize(event, fingerprint, known.get(event.eventId) ?? null)
  switch (recognition.kind) {
    case 'new':
      return { kind: 'event', event, fingerprint }
    case 'recording':
      return decide(recognition.ready, null, known)
    case 'repeated':
    case 'conflict':
      return recognition
  }
}

function knownAs({
  event,
  fingerprint,
}: {
  readonly event: CallEvent
  readonly fingerprint: Buffer | null
}): KnownEvent {
  return { eventId: event.eventId, recordingStatus: event.recordingStatus, fingerprint }
}
