import type { Clock } from '../../shared/clock.ts'
import type { LogProducer } from '../../shared/kafka/producer.ts'
import type { Logger } from '../../shared/logger.ts'

/**
 * The partitions whose entries a drain leaves where they are, since nobody can say what of them is in
 * the log, or it could not be written. Asking takes seconds, for which the entries of all others
 * wait: so one that stays away is asked seldom.
 */
export interface PartitionRests {
  isOpen(partition: number): boolean
  /** It rests for a while; told once, until it drains again. */
  failed(partition: number, err: unknown): void
  drained(partition: number): void
  /** Nothing waits for any other. */
  keepOnly(partitions: ReadonlySet<number>): void
}

export interface PartitionRestsOptions {
  readonly producer: Pick<LogProducer, 'isAwayAt'>
  readonly clock: Clock
  readonly logger: Logger
}

const REST_MS = { first: 250, most: 10_000 }

/** Milliseconds; short at first: after a change of leaders a partition is well again at once. */
export function restMsAfter(failures: number): number {
  return Math.min(REST_MS.first * 2 ** (failures - 1), REST_MS.most)
}

export function createPartitionRests(options: PartitionRestsOptions): PartitionRests {
  const { producer, clock, logger } = options
  const resting = new Map<number, { readonly failures: number; readonly until: number }>()
  return {
    isOpen(partition) {
      const { until = 0 } = resting.get(partition) ?? {}
      return until <= clock.elapsed() && !producer.isAwayAt(partition)
    },
    failed(partition, err) {
      const failures = (resting.get(partition)?.failures ?? 0) + 1
      resting.set(partition, { failures, until: clock.elapsed() + restMsAfter(failures) })
      if (failures === 1) logger.warn({ partition, err }, 'spool.partition_left_out')
    },
    drained(partition) {
      if (resting.delete(partition)) logger.info({ partition }, 'spool.partition_drains')
    },
    keepOnly(partitions) {
      for (const partition of resting.keys()) {
        if (!partitions.has(partition)) resting.delete(partition)
      }
    },
  }
}
