import type { RefusedReason } from './produce-error.ts'
import { CODE } from './wire/error-codes.ts'

/**
 * What a broker's answer for one partition means for the records that were sent there. Only
 * `written` is an acknowledgement: an answer for this partition, without an error, with an offset.
 */
export type ProduceVerdict =
  | { readonly kind: 'written'; readonly offset: number }
  /** Send the same again, with the same sequence numbers: the broker knows if it has them. */
  | { readonly kind: 'again'; readonly mayBeWritten: boolean }
  /** Nothing of the batch was written. With a reason a single record is to blame, for what it is. */
  | { readonly kind: 'refused'; readonly reason: RefusedReason | null }
  /** The broker has lost count of our records: begin with a new identity. */
  | { readonly kind: 'uncounted' }

const REFUSED_BEFORE_THE_LOG: ReadonlySet<number> = new Set([
  CODE.UNKNOWN_TOPIC_OR_PARTITION,
  CODE.LEADER_NOT_AVAILABLE,
  CODE.NOT_ENOUGH_REPLICAS,
])

/**
 * A leader that loses its office while it waits for replicas says `NOT_LEADER` of records that it
 * has written and that its successor may have: most errors leave it open.
 */
const AGAIN: ReadonlySet<number> = new Set([
  CODE.UNKNOWN,
  ...REFUSED_BEFORE_THE_LOG,
  CODE.CORRUPT_MESSAGE,
  CODE.NOT_LEADER,
  CODE.REQUEST_TIMED_OUT,
  CODE.REPLICA_NOT_AVAILABLE,
  CODE.NETWORK_EXCEPTION,
  CODE.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  CODE.STORAGE_ERROR,
  CODE.FENCED_LEADER_EPOCH,
  CODE.UNKNOWN_LEADER_EPOCH,
  CODE.DUPLICATE_SEQUENCE,
])

const ABOUT_ONE_RECORD: ReadonlyMap<number, RefusedReason> = new Map([
  [CODE.MESSAGE_TOO_LARGE, 'too_large'],
  [CODE.RECORD_LIST_TOO_LARGE, 'too_large'],
  [CODE.INVALID_TIMESTAMP, 'invalid'],
  [CODE.INVALID_RECORD, 'invalid'],
])

const UNCOUNTED: ReadonlySet<number> = new Set([
  CODE.OUT_OF_ORDER_SEQUENCE,
  CODE.INVALID_PRODUCER_EPOCH,
  CODE.UNKNOWN_PRODUCER_ID,
])

export function judgeAnswer(answer: {
  readonly errorCode: number
  readonly baseOffset: string
}): ProduceVerdict {
  const { errorCode } = answer
  const offset = Number(answer.baseOffset)
  if (errorCode === CODE.NONE) {
    if (Number.isSafeInteger(offset) && offset >= 0) return { kind: 'written', offset }
    return { kind: 'again', mayBeWritten: true }
  }
  if (AGAIN.has(errorCode)) {
    return { kind: 'again', mayBeWritten: !REFUSED_BEFORE_THE_LOG.has(errorCode) }
  }
  if (UNCOUNTED.has(errorCode)) return { kind: 'uncounted' }
  return { kind: 'refused', reason: ABOUT_ONE_RECORD.get(errorCode) ?? null }
}

const SEQUENCES = 2 ** 31

/** Sequence numbers are 32 bits with a sign, and begin again at 0. */
export function sequenceAfter(first: number, count: number): number {
  return (first + count) % SEQUENCES
}
