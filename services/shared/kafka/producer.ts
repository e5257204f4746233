import type { Kafka } from 'kafkajs'
import { systemClock } from '../clock.ts'
import type { ClockGlance } from '../clock-skew.ts'
import { withinMs } from '../deadline.ts'
import type { Logger } from '../logger.ts'
import { partitionOfKey } from './partitioner.ts'
import { refusal } from './produce-error.ts'
import { ProduceSender } from './produce-sender.ts'
import { createClusterLink } from './wire/cluster-link.ts'

/**
 * Produces with acks=all; records of concurrent requests leave in one request per broker.
 *
 * kafkajs' own producer is not used. While leaders move it takes the answer of one broker for the
 * answer of another: records are sent to nobody, or twice, and it reports success. Calls that were
 * acknowledged to the provider would be missing from the log, and nobody would be told. Here a
 * record counts as written only by an answer for its own partition that has no error and an offset.
 *
 * What was not answered is sent again with the same sequence numbers, so a broker that did write
 * it says so instead of writing it twice. What is given up is never sent again by us.
 */
export interface LogRecord {
  readonly topic: string
  readonly key: string
  readonly value: Buffer
  readonly headers?: Record<string, string>
  /** Default: by key (murmur2, the same in every client), over the configured number. */
  readonly partition?: number
}

/**
 * What its callers rely on; test/support/conformance/log-producer.ts holds it to that.
 *
 * - Resolved: the record is in the log, once, at that offset.
 * - Rejected with `mayBeWritten` false, or with RecordRefusedError: it is not, and never will be.
 * - Rejected with `mayBeWritten`: it is there once or not at all. We never send it again; what lies
 *   in the sockets of a broker that stands still may be written when it goes on.
 * - The acknowledged records of a partition stand in the order of the calls, but for those that had
 *   to be patient: they count from when the leader was back.
 * - A record that the broker refuses for what it is fails alone.
 * - A broker that hangs holds up its own partitions only.
 */
export interface LogProducer {
  /** Resolves with the record's offset when all in-sync replicas have it. */
  send(record: LogRecord, options?: SendOptions): Promise<number>
  /** Records that wait for an acknowledgement. */
  readonly waiting: number
  /** True while records of some partition are refused at once. */
  readonly isAway: boolean
  /** The same of this partition, of whichever topic. */
  isAwayAt(partition: number): boolean
  stop(): Promise<void>
}

export interface SendOptions {
  /**
   * Milliseconds to wait for a leader that is looked for, where records are otherwise refused at
   * once: for a record that has no other place. Default: 0.
   */
  readonly patienceMs?: number
  /**
   * Asked before each request, also before one that only repeats. For a writer that may have been
   * replaced meanwhile: after `never` the record is not sent any more.
   */
  readonly mayWrite?: () => Permission
}

/** `not_yet`: it is in doubt, and asked again; `never`: the record is given up. */
export type Permission = 'yes' | 'not_yet' | 'never'

export interface LogProducerOptions {
  readonly kafka: Kafka
  readonly logger: Logger
  /** Partitions of each topic. Never asked of Kafka: a key would change its partition, and its order. */
  readonly partitions: number
  /** Milliseconds after which a record that is not acknowledged counts as failed. */
  readonly timeoutMs: number
  /** Most records of one partition in a request. Default: 500. */
  readonly batchMax?: number
  /**
   * What becomes of records of a partition that failed. `wait` (default): each is tried for its
   * time. `refuse`: until its leader can be reached again they are refused at once, so that nobody
   * who has another place for them waits in turn for Kafka.
   */
  readonly whileAway?: 'wait' | 'refuse'
  /** Told what the leader's clock said when it wrote, where its topic takes the times from there. */
  readonly onAppended?: (glance: ClockGlance) => void
}

const START_WITHIN_MS = 15_000

/** @throws DeadlineError when no broker answers, BrokerError when we may not write. */
export async function startLogProducer(options: LogProducerOptions): Promise<LogProducer> {
  const { kafka, logger, partitions } = options
  const [link, looks] = [createClusterLink({ kafka, logger }), createClusterLink({ kafka, logger })]
  const sender = new ProduceSender({ ...options, link, looks })
  const stop = async () => {
    await sender.stop()
    link.close()
    looks.close()
  }
  try {
    await withinMs(START_WITHIN_MS, sender.start())
  } catch (error) {
    await stop()
    throw error
  }
  return {
    async send(record, { patienceMs = 0, mayWrite = always } = {}) {
      const queue = sender.queueOf(
        record.topic,
        record.partition ?? partitionOfKey(record.key, partitions),
      )
      if (queue.away && patienceMs > 0) await within(patienceMs, queue.away.back)
      if (!queue.admits(systemClock.elapsed())) throw refusal()
      return new Promise<number>((resolve, reject) => {
        const deadline = systemClock.elapsed() + options.timeoutMs
        sender.add(queue, { record, deadline, mayWrite, resolve, reject })
      })
    },
    get waiting() {
      return sender.waiting
    },
    get isAway() {
      return sender.absence.isAny
    },
    isAwayAt: (partition) => sender.absence.isAt(partition),
    stop,
  }
}

function always(): Permission {
  return 'yes'
}

function within(ms: number, work: Promise<void>): Promise<void> {
  return withinMs(ms, work).catch(() => undefined)
}
