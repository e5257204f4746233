import type { Kafka } from 'kafkajs'
import type { Registry } from 'prom-client'
import type { CallEventEncoder } from '../../shared/call-event-codec.ts'
import type { Clock } from '../../shared/clock.ts'
import { createLogReader } from '../../shared/kafka/log-reader.ts'
import { partitionOfKey } from '../../shared/kafka/partitioner.ts'
import type { LogProducer } from '../../shared/kafka/producer.ts'
import type { TopicNames } from '../../shared/kafka/topics.ts'
import type { Logger } from '../../shared/logger.ts'
import type { DatabaseGuard } from '../../shared/postgres/database-guard.ts'
import type { Pool } from '../../shared/postgres/pool.ts'
import type { OnRefusedRow } from '../../shared/postgres/refused-rows.ts'
import { insertEntries, readSpoolSize } from '../../shared/postgres/spool.ts'
import { startRecurring } from '../../shared/recurring.ts'
import type { NormalizerConfig } from '../config.ts'
import type { LogLease } from '../log-lease.ts'
import { toRecord, withTrace } from '../publisher.ts'
import { createDrain } from './drain.ts'
import { providerOf } from './entry.ts'
import { createFindInLog } from './find-in-log.ts'
import { createSafeLog, type SafeLog } from './safe-log.ts'
import { createSpool, type SpoolRefusedError } from './spool.ts'
import { createSpoolMetrics } from './spool-metrics.ts'

/** The spool with what fills and drains it, put together. */
export interface SpoolingOptions {
  readonly config: Pick<
    NormalizerConfig,
    'secretBox' | 'spoolLimits' | 'answerWithinMs' | 'publishTimeoutMs' | 'kafka'
  >
  readonly pool: Pool
  /** Of the last place. */
  readonly lastPlaceGuard: DatabaseGuard
  readonly kafka: Kafka
  readonly producer: Pick<LogProducer, 'send' | 'isAwayAt'>
  readonly encoder: CallEventEncoder
  readonly topics: TopicNames
  readonly registry: Registry
  readonly onRefused: OnRefusedRow
  readonly lease: Pick<LogLease, 'isOurs'>
  readonly clock: Clock
  readonly logger: Logger
}

export interface Spooling {
  readonly log: SafeLog
  /** Entries that stay in the spool until somebody acts. */
  readonly stuckEntries: number
  stop(): Promise<void>
}

/** One row is read. The calls of a workspace with an entry wait for it, too. */
const LOOK_EVERY_MS = 250
/** Of one fetch from each partition that is searched. */
const SCAN_PAGE_BYTES = 1024 * 1024
/** Of the time for an answer, what may have passed before a record is placed: look-ups in Postgres. */
const LOOK_UPS_MS = 1_500

export function startSpooling(options: SpoolingOptions): Spooling {
  const { config, pool, kafka, producer, encoder, topics, clock, logger } = options
  const metrics = createSpoolMetrics(options.registry, config.spoolLimits)
  const log = createSpoolingLog(options, metrics)
  let stuckEntries = 0
  const { partitions } = config.kafka
  const drain = createDrain({
    pool,
    partitions,
    partitionOf: (workspaceId) => partitionOfKey(workspaceId, partitions),
    producer,
    toRecord: ({ event, trace }) =>
      withTrace(toRecord(event, { topic: topics.events, encoder }), trace),
    findInLog: createFindInLog({
      openReader: (topic) => createLogReader({ kafka, topic, pageBytes: SCAN_PAGE_BYTES, logger }),
      partitions,
      publishTimeoutMs: config.publishTimeoutMs,
      clock,
      logger,
    }),
    box: config.secretBox,
    onSize(size, stuck) {
      stuckEntries = stuck
      metrics.size(size, stuck)
    },
    onDrained: metrics.drained,
    onRefused: options.onRefused,
    lease: options.lease,
    clock,
    logger,
  })
  const draining = startRecurring({
    name: 'spool-drain',
    everyMs: LOOK_EVERY_MS,
    task: () => drain.run(),
    clock,
    logger,
  })
  return {
    log,
    get stuckEntries() {
      return stuckEntries
    },
    async stop() {
      drain.stop()
      await draining.stop()
    },
  }
}

/** Without a drain, for a command that runs beside the service. */
export function createSpoolingLog(
  options: Omit<SpoolingOptions, 'registry' | 'kafka' | 'lease'>,
  metrics: ReturnType<typeof createSpoolMetrics>,
): SafeLog {
  const { config, pool, lastPlaceGuard, producer, clock, logger } = options
  const { spoolLimits: limits, secretBox: box } = config
  const spool = createSpool({
    insert: (entries, isWanted) => insertEntries(pool, entries, { limits, isWanted }),
    size: () => readSpoolSize(pool),
    limits,
    box,
    onSpooled: (entry) => metrics.spooled(providerOf(entry)),
    onRefused: options.onRefused,
    guard: lastPlaceGuard,
  })
  const answerWithinMs = config.answerWithinMs - LOOK_UPS_MS
  const onNobodyTook = ({ reason, cause: err }: SpoolRefusedError) => {
    metrics.refused(reason)
    logger.error({ reason, err }, 'spool.refused')
  }
  return createSafeLog({
    producer,
    spool,
    answerWithinMs,
    publishTimeoutMs: config.publishTimeoutMs,
    onRefused: onNobodyTook,
    clock,
  })
}
