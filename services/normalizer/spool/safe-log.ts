import type { Clock } from '../../shared/clock.ts'
import { type LogProducer, type LogRecord, ProduceError } from '../../shared/kafka/producer.ts'
import type { Entry } from './entry.ts'
import { type Spool, SpoolRefusedError } from './spool.ts'

/**
 * Puts a record where it is safe: into Kafka, or, when Kafka does not take it, into the spool.
 *
 * A workspace that has entries in the spool queues behind them, or its calls would change places.
 * That yields to not losing a call: when the spool takes nothing, Kafka is tried all the same.
 */
export interface SafeLog {
  /** @throws SpoolRefusedError when neither takes it. */
  place(placement: Placement): Promise<Placed>
}

export interface Placement {
  readonly entry: Entry
  /** The same as it goes to Kafka. */
  readonly record: LogRecord
  /** Its workspace has entries in the spool. */
  readonly isQueued: boolean
}

export type Placed = 'logged' | 'spooled'

export interface SafeLogOptions {
  readonly producer: Pick<LogProducer, 'send'>
  readonly spool: Spool
  readonly clock: Clock
}

export function createSafeLog({ producer, spool, clock }: SafeLogOptions): SafeLog {
  /** Null when Kafka took it, else since when it may be in the log without our knowing, if at all. */
  async function tryLog(record: LogRecord): Promise<{ attemptedAt: Date | null } | null> {
    const startedAt = clock.now()
    try {
      await producer.send(record)
      return null
    } catch (error) {
      if (!(error instanceof ProduceError)) throw error
      return { attemptedAt: error.mayBeWritten ? new Date(startedAt) : null }
    }
  }

  /** True when it queues; false when there is nothing to queue behind, or no place to do it. */
  async function tryBehind(entry: Entry): Promise<boolean> {
    try {
      return await spool.putBehind(entry)
    } catch (error) {
      if (error instanceof SpoolRefusedError) return false
      throw error
    }
  }

  return {
    async place({ entry, record, isQueued }) {
      if (isQueued && (await tryBehind(entry))) return 'spooled'
      const failed = await tryLog(record)
      if (failed === null) return 'logged'
      await spool.put(entry, failed.attemptedAt)
      return 'spooled'
    },
  }
}
