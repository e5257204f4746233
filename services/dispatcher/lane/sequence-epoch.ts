import { EPOCH_MAX } from '../../shared/sequence.ts'

/** The epoch of a partition's numbers, from what Kafka and Postgres remember of it. Pure. */

/** What Kafka says of a partition that is about to be opened. */
export interface FoundLog {
  /** As the last owner committed it, in Kafka; 0 where nothing of ours is committed. */
  readonly epoch: number
  /** The offset behind the last record. */
  readonly logEnd: number
  /** What is committed is of a log that is not there any more. */
  readonly isOtherLog: boolean
}

/** What Postgres says of it. */
export interface KnownSequence {
  /** Greatest of all partitions of this log; for a log that is new, one more than of any other. */
  readonly epoch: number
  /** How far the partition had been read, and under which epoch; null: nobody ever opened it. */
  readonly reached: ReachedOffset | null
}

export interface ReachedOffset {
  readonly epoch: number
  /** The next one to be read. */
  readonly offset: number
}

export interface OpenedSequence {
  readonly epoch: number
  /** The offset that had been reached in a log that is gone; null: the log goes on. */
  readonly wentBackFrom: number | null
}

/**
 * Each of both stores can be an older copy, so the greater epoch counts. A log that ends before what
 * had been read of it was lost or restored: offsets come a second time, under a new epoch. That is one
 * above the epoch of what was committed or read, so that all partitions of a lost log come to the same
 * one, and so does whoever has to open it again, since Kafka did not take the first commit.
 */
export function openedSequence(
  { epoch: committed, logEnd, isOtherLog }: FoundLog,
  { epoch: known, reached }: KnownSequence,
): OpenedSequence {
  const isBehind = reached !== null && logEnd < reached.offset
  const byKafka = isOtherLog ? committed + 1 : committed
  const byPostgres = isBehind ? reached.epoch + 1 : (reached?.epoch ?? 0)
  return {
    epoch: Math.min(Math.max(known, byKafka, byPostgres), EPOCH_MAX),
    wentBackFrom: isBehind ? reached.offset : null,
  }
}
