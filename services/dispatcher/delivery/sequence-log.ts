import type { Logger } from '../../shared/logger.ts'
import type { Queryable } from '../../shared/postgres/pool.ts'
import {
  findSequence,
  type SequencePosition,
  saveSequences,
} from '../../shared/postgres/sequence-positions.ts'
import { type FoundLog, type OpenedSequence, openedSequence } from '../lane/sequence-epoch.ts'

/** Epochs of `webhook-sequence`, kept in Postgres beside what the commits in Kafka say. */
export interface SequenceLog {
  /**
   * Finds the epoch of a partition that is about to be opened at `from`, and keeps it, before the first
   * number goes to a customer. Rejects while Postgres is away: a guess could send numbers back.
   */
  open(partition: number, found: FoundLog & { readonly from: number }): Promise<OpenedSequence>
  /** How far partitions were read: what a later open compares the log with. */
  note(positions: readonly SequencePosition[]): Promise<void>
}

export interface SequenceLogOptions {
  readonly db: Queryable
  readonly eventsTopic: string
  readonly logger: Logger
}

export function createSequenceLog({ db, eventsTopic, logger }: SequenceLogOptions): SequenceLog {
  return {
    async open(partition, { from, ...found }) {
      const { epoch: known, position } = await findSequence(db, eventsTopic, partition)
      const reached = position && { epoch: position.epoch, offset: position.nextOffset }
      const opened = openedSequence(found, { epoch: known, reached })
      const { epoch } = opened
      if (epoch > (position?.epoch ?? 0)) logger.warn({ partition, epoch }, 'sequence.epoch_raised')
      await saveSequences(db, eventsTopic, [{ partition, epoch, nextOffset: from }])
      return opened
    },
    async note(positions) {
      if (positions.length > 0) await saveSequences(db, eventsTopic, positions)
    },
  }
}
