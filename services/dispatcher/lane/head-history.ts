import type { LaneRecord } from '../../shared/lane-record.ts'
import type { Failure } from './lane-command.ts'

type Told = Pick<LaneRecord, 'attempt' | 'firstFailedAt' | 'lastError' | 'lastTraceparent'>

type FailedAttempt = Pick<Failure, 'errorClass' | 'traceparent'>

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

  resume({ attempt, firstFailedAt, lastError, lastTraceparent, dueAt }: LaneRecord): void {
    this.#told = { attempt, firstFailedAt, lastError, lastTraceparent }
    this.#dueAt = dueAt
  }

  failed({ errorClass, traceparent }: FailedAttempt, now: number, dueAt: number): void {
    const { attempt, firstFailedAt } = this.#told
    this.#told = {
      attempt: attempt + 1,
      firstFailedAt: firstFailedAt ?? now,
      lastError: errorClass,
      lastTraceparent: traceparent,
    }
    this.#dueAt = dueAt
  }

  beginAnew(dueAt = 0): void {
    this.#told = NEVER_FAILED
    this.#dueAt = dueAt
  }
}
