import type { KnownEvent } from '../../shared/postgres/published-events.ts'
import { type Recognition, recognize } from '../recognize.ts'
import { type Entry, workspaceOf } from './entry.ts'

/** Decides what becomes of spooled entries once Kafka is back. Pure. */

export interface OpenedEntry {
  readonly id: string
  /** Since when it may be in the log without our knowing; null: it surely is not. */
  readonly attemptedAt: Date | null
  readonly entry: Entry
}

export interface DrainStep {
  readonly id: string
  readonly workspaceId: string
  readonly attemptedAt: Date | null
  /** Of an event `fingerprint` is its own; a recording has none. */
  readonly decision:
    | Entry
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
    const facts = { id, attemptedAt, workspaceId: workspaceOf(entry) }
    if (entry.kind === 'rejected') return { ...facts, decision: entry }
    const decision = decide(entry, known)
    if (decision.kind === 'event') known.set(decision.event.eventId, knownAs(decision))
    return { ...facts, decision }
  })
}

type EventEntry = Extract<Entry, { kind: 'event' }>

function decide(
  entry: EventEntry,
  known: ReadonlyMap<string, KnownEvent>,
): Exclude<DrainStep['decision'], { kind: 'rejected' }> {
  const { event, fingerprint } = entry
  const recognition: Recognition = recognize(event, fingerprint, known.get(event.eventId) ?? null)
  switch (recognition.kind) {
    case 'new':
      return entry
    case 'recording':
      return decide({ ...entry, event: recognition.ready, fingerprint: null }, known)
    case 'repeated':
    case 'conflict':
      return recognition
  }
}

function knownAs({ event, fingerprint }: EventEntry): KnownEvent {
  return { eventId: event.eventId, recordingStatus: event.recordingStatus, fingerprint }
}
