import type { LaneRecord } from '../../shared/lane-record.ts'
import type { Failure, Times } from './lane-command.ts'

type Told = Pick<LaneRecord, 'attempt' | 'firstFailedAt' | 'lastError' | 'lastTraceparent'>

type FailedAttempt = Pick<Failure, 'errorClass' | 'traceparent'>

const NEVER_FAILED: Told = { attempt: 1, firstFailedAt: null, lastError: null }

/** What a lane's head has been through; a new head begins anew. */
export class HeadHistory {
  #told = NEVER_FAILED
  #wakeAt = 0

  /** Number of the attempt that the head is at; 1 until it has failed. */
  get attempt(): number {
    return this.#told.attempt
  }

  /**
   * By `Clock.elapsed`, of a head that is or will be parked: a wall clock that is set meanwhile makes no
   * retry late or early.
   */
  get wakeAt(): number {
    return this.#wakeAt
  }

  /** What a record says of it that is written now. */
  due({ now, elapsed }: Times): { readonly dueAt: number; readonly waitMs: number } {
    const waitMs = Math.max(Math.round(this.#wakeAt - elapsed), 0)
    return { dueAt: now + waitMs, waitMs }
  }

  /** As it goes into the lane record; `lastError` came out of one, so it is whatever somebody wrote. */
  get told(): Told {
    return this.#told
  }

  resume(record: LaneRecord, { now, elapsed }: Times): void {
    const { attempt, firstFailedAt, lastError, lastTraceparent, dueAt } = record
    this.#told = { attempt, firstFailedAt, lastError, lastTraceparent }
    // Its writer's clock may have been ahead of ours, or ours was set back.
    const { waitMs = Number.POSITIVE_INFINITY } = record
    this.#wakeAt = elapsed + Math.min(Math.max(dueAt - now, 0), waitMs)
  }

  failed({ errorClass, traceparent }: FailedAttempt, { now, elapsed }: Times, dueAt: number): void {
    const { attempt, firstFailedAt } = this.#told
    this.#told = {
      attempt: attempt + 1,
      firstFailedAt: firstFailedAt ?? now,
      lastError: errorClass,
      lastTraceparent: traceparent,
    }
    this.#wakeAt = elapsed + (dueAt - now)
  }

  beginAnew(): void {
    this.#told = NEVER_FAILED
    this.#wakeAt = 0
  }
}
