import type { ErrorClass } from '../../shared/egress/error-class.ts'
import type { LaneRecord } from '../../shared/lane-record.ts'

type Told = Pick<LaneRecord, 'attempt' | 'firstFailedAt' | 'lastError'>

const NEVER_FAILED: Told = { attempt: 1, firstFailedAt: null, lastError: null }

/** What a lane's head has been through; a new head begins anew. */
export class HeadHistory {
  #told = NEVER_FAILED
  #dueAt = 0

  /** Number of the attempt that the head is at; 1 until it has failed. */
  get attempt(): number {
    return this.#told.attempt
  }

  /** Milliseconds since 1970; of a head that is or will be parked. */
  get dueAt(): number {
    return this.#dueAt
  }

  /** As it goes into the lane record; `lastError` came out of one, so it is whatever somebody wrote. */
  get told(): Told {
    return this.#told
  }

  resume({ attempt, firstFailedAt, lastError, dueAt }: LaneRecord): void {
    this.#told = { attempt, firstFailedAt, lastError }
    this.#dueAt = dueAt
  }

  failed(lastError: ErrorClass | null, now: number, dueAt: number): void {
    const { attempt, firstFailedAt } = this.#told
    this.#told = { attempt: attempt + 1, firstFailedAt: firstFailedAt ?? now, lastError }
    this.#dueAt = dueAt
  }

  beginAnew(dueAt = 0): void {
    this.#told = NEVER_FAILED
    this.#dueAt = dueAt
  }
}
