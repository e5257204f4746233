import type { Replay } from '../../shared/lane-record.ts'

/** What of a back-fill's range is to be sent again. */
export interface Missed {
  /** Log times in milliseconds since 1970; `to` null: the gap is open. */
  readonly gaps: readonly { readonly from: number; readonly to: number | null }[]
  /** Ids of events that ended as dead letters. */
  readonly deadLetters: ReadonlySet<string>
}

export const NOTHING_MISSED: Missed = { gaps: [], deadLetters: new Set() }

export interface PastEvent {
  readonly eventId: string
  /** Log time, milliseconds since 1970. */
  readonly acceptedAt: number
}

/** `all`: everything of the range; `gaps`: only what the customer has not got. */
export function isReplayed(replay: Replay, missed: Missed, event: PastEvent): boolean {
  if (event.acceptedAt > replay.until) return false
  if (replay.mode === 'all' || missed.deadLetters.has(event.eventId)) return true
  return missed.gaps.some(
    ({ from, to }) => event.acceptedAt >= from && (to === null || event.acceptedAt < to),
  )
}
