import type { Clock } from '../../shared/clock.ts'
import { ProduceError } from '../../shared/kafka/produce-error.ts'
import type { LogProducer, LogRecord } from '../../shared/kafka/producer.ts'
import type { Entry } from './entry.ts'
import { type Spool, SpoolRefusedError } from './spool.ts'

/**
 * Puts a record where it is safe: into Kafka, or, when Kafka does not take it, into the spool.
 *
 * A workspace that has entries in the spool queues behind them, or its calls would change places.
 * That yields to not losing a call: when the spool takes nothing, Kafka is tried all the same, and
 * waited for while its connection is being made anew. Most providers never send a call again, so a
 * 503 that a second of patience could have spared is a call that the customer never sees.
 */
export interface SafeLog {
  /** @throws SpoolRefusedError when neither takes it, RowRefusedError when Postgres never will. */
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
  /** Milliseconds from the start of `place` in which the sender still gets its answer in time. */
  readonly answerWithinMs: number
  /** For which the producer tries, in milliseconds. */
  readonly publishTimeoutMs: number
  /** A call that nobody took. One that the spool refused and Kafka then took is none. */
  readonly onRefused: (refused: SpoolRefusedError) => void
  readonly clock: Clock
}

const AGAIN_MS = 250
/** Of the time for an answer, what is left for Kafka when nothing else takes a call. */
const KAFKA_MS = 1_000

export function createSafeLog(options: SafeLogOptions): SafeLog {
  const { producer, spool, answerWithinMs, publishTimeoutMs, onRefused, clock } = options

  /** Null when Kafka took it, else since when it may be in the log without our knowing, if at all. */
  async function tryLog(record: LogRecord): Promise<{ attemptedAt: Date | null } | null> {
    const startedAt = clock.now()
    try {
      await producer.send(record)
      return null
    } catch (error) {
      if (!(error instanceof ProduceError)) throw error
      if (!error.mayBeWritten) return { attemptedAt: null }
      // Given up with its batch, whose time had begun before its own. The drain waits until the time
      // of the record is over, and the call with it: counted from here that is now.
      return { attemptedAt: new Date(Math.min(startedAt, clock.now() - publishTimeoutMs)) }
    }
  }

  /**
   * True when it queues; false when there is nothing to queue behind, or no place to do it. Where
   * Postgres was slow once it is asked again: in Kafka the call would overtake its own workspace.
   */
  async function tryBehind(entry: Entry, until: number): Promise<boolean> {
    for (;;) {
      try {
        return await spool.putBehind(entry)
      } catch (error) {
        if (!(error instanceof SpoolRefusedError)) throw error
        const isOver = error.reason !== 'postgres_away' || clock.elapsed() + AGAIN_MS >= until
        if (isOver) return false
        await clock.sleep(AGAIN_MS)
      }
    }
  }

  /** The last resort: nobody else has a place for it. */
  async function waitForLog(record: LogRecord, answerBy: number): Promise<boolean> {
    const patienceMs = answerBy - clock.elapsed()
    if (patienceMs <= 0) return false
    try {
      await producer.send(record, { patienceMs })
      return true
    } catch (error) {
      if (error instanceof ProduceError) return false
      throw error
    }
  }

  return {
    async place({ entry, record, isQueued }) {
      const answerBy = clock.elapsed() + answerWithinMs
      if (isQueued && (await tryBehind(entry, answerBy - KAFKA_MS))) return 'spooled'
      const failed = await tryLog(record)
      if (failed === null) return 'logged'
      try {
        await spool.put(entry, failed.attemptedAt)
        return 'spooled'
      } catch (error) {
        if (!(error instanceof SpoolRefusedError)) throw error
        // What may be in the log already would stand there twice.
        const mayTry = failed.attemptedAt === null
        if (mayTry && (await waitForLog(record, answerBy))) return 'logged'
        onRefused(error)
        throw error
      }
    },
  }
}
