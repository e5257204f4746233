import type { DeadReason } from '../../shared/dead-reason.ts'
import type { ErrorClass } from '../../shared/egress/error-class.ts'
import type { LaneHead, LaneRecord, Replay } from '../../shared/lane-record.ts'
import type { RecordPosition } from './record-ledger.ts'

/** What a lane wants to be done, and in which words it is told what came of it. */

export type LaneCommand =
  /** Find out whether there is a connection; then `connected` or `giveUp`. */
  | { readonly kind: 'connect' }
  /** The head wants to be sent. */
  | { readonly kind: 'take-turn' }
  /** Call `due` at this time, by `Clock.elapsed`. */
  | { readonly kind: 'park'; readonly wakeAt: number }
  /** Produce to the retry topic of `tier`, or to the catch-up topic when null; then `saved`. */
  | { readonly kind: 'save'; readonly record: LaneRecord; readonly tier: string | null }
  /** Produce the dead letter; then `buried`. */
  | { readonly kind: 'bury'; readonly burial: Burial }
  /** Offsets of the events topic that are done, or covered by a durable lane record. */
  | { readonly kind: 'settle'; readonly offsets: readonly number[] }
  /** A lane record that a newer one replaces, or that is not needed any more. */
  | { readonly kind: 'settle-record'; readonly position: RecordPosition }
  /** Read the lane's events from the log; then `filled`. */
  | { readonly kind: 'read'; readonly from: number }
  /** Tell `covered` after the next commit; urgent: an event waits for it. */
  | { readonly kind: 'commit'; readonly isUrgent: boolean }
  /** A back-fill has reached what was never settled, or ended before with the connection. */
  | { readonly kind: 'replayed'; readonly replay: Replay; readonly isThrough: boolean }
  /** The lane can be dropped. */
  | { readonly kind: 'close' }

export interface Burial {
  readonly event: LaneHead
  readonly reason: DeadReason
  readonly attempts: number
  /** Milliseconds since 1970. */
  readonly firstFailedAt: number | null
  readonly errorClass: ErrorClass | null
  readonly status: number | null
}

/** What becomes of a head that failed; decided by the retry policy. */
export type FailureVerdict =
  | { readonly kind: 'retry'; readonly tier: string; readonly dueAt: number }
  | { readonly kind: 'dead-letter'; readonly reason: DeadReason }

export interface Failure {
  readonly verdict: FailureVerdict
  readonly errorClass: ErrorClass | null
  readonly status: number | null
  /** Of the attempt, when traces are on. */
  readonly traceparent?: string | undefined
}

/** The time in milliseconds since 1970, and the offset up to which the main topic was read. */
export interface Moment {
  /** Milliseconds since 1970: what is written or compared with other machines' times. */
  readonly now: number
  /** By `Clock.elapsed`: how long something took, or still has to wait. */
  readonly elapsed: number
  readonly mainPosition: number
}

/** Only the times of it. */
export type Times = Pick<Moment, 'now' | 'elapsed'>
