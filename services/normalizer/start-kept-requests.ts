import type { Kafka } from 'kafkajs'
import type { Registry } from 'prom-client'
import type { Clock } from '../shared/clock.ts'
import { createLogReader } from '../shared/kafka/log-reader.ts'
import type { LogProducer } from '../shared/kafka/producer.ts'
import type { Logger } from '../shared/logger.ts'
import { DatabaseAwayError, type DatabaseGuard } from '../shared/postgres/database-guard.ts'
import { createKeptPositions } from '../shared/postgres/kept-requests.ts'
import type { Pool } from '../shared/postgres/pool.ts'
import { startRecurring } from '../shared/recurring.ts'
import type { Restores } from '../shared/restores/restores.ts'
import type { ActOptions } from './act-on-verdicts.ts'
import type { NormalizerConfig } from './config.ts'
import { createFindSource } from './find-source.ts'
import { createKeptMetrics } from './kept-metrics.ts'
import type { KeptRequest } from './kept-request.ts'
import { createKeptRequests, type KeptOutcome } from './kept-requests.ts'
import type { RejectedRequests } from './rejected-requests.ts'
import { renormalize } from './renormalize-requests.ts'
import { isUnderstood, type SourceActivity } from './source-activity.ts'

/** The bringing-in of kept requests, put together and running. */
export interface StartKeptRequestsOptions {
  readonly act: ActOptions
  readonly activity: Pick<SourceActivity, 'note'>
  readonly config: Pick<NormalizerConfig, 'secretBox' | 'answerWithinMs' | 'kafka'>
  readonly pool: Pool
  readonly guard: DatabaseGuard
  readonly kafka: Kafka
  readonly producer: Pick<LogProducer, 'isAway'>
  readonly restores: Pick<Restores, 'isClearNow'>
  /** Of rejected requests. */
  readonly topic: string
  readonly registry: Registry
  readonly clock: Clock
  readonly logger: Logger
}

const LOOK_EVERY_MS = 2_000

export function startKeptRequests(options: StartKeptRequestsOptions): { stop(): Promise<void> } {
  const { act, config, pool, guard, kafka, producer, restores, topic, clock, logger } = options
  const metrics = createKeptMetrics(options.registry, clock)
  const reader = createLogReader({ kafka, topic, logger })
  const renormalizing = {
    ...act,
    rejected: rejectingAnew(act.rejected),
    sources: createFindSource(pool, config.secretBox),
    box: config.secretBox,
  }
  const kept = createKeptRequests({
    positions: createKeptPositions(pool),
    reader,
    partitions: config.kafka.partitions,
    isKafkaAway: () => producer.isAway,
    bringIn: (record) => renormalize(record, renormalizing),
    answerWithinMs: config.answerWithinMs,
    onBroughtIn(request, outcome) {
      metrics.broughtIn(request.record.headers['provider'] ?? '', outcome)
      tell(request, outcome, options)
    },
    onCaughtUp: metrics.caughtUp,
    guard,
    clock,
    logger,
  })
  const running = startRecurring({
    name: 'kept-requests',
    everyMs: LOOK_EVERY_MS,
    task: async () => {
      if (await restores.isClearNow()) await kept.run()
    },
    clock,
    logger,
  })
  return {
    async stop() {
      kept.stop()
      await running.stop()
      await reader.stop()
    },
  }
}

/**
 * What turns out to be unreadable is kept as such, so that it is found by its reason. A part of a call
 * that has no place again stays where it is: the whole run waits for Postgres.
 */
function rejectingAnew(rejected: RejectedRequests): RejectedRequests {
  return {
    async keep(webhook, source, rejection) {
      if (rejection.reason === 'held_legs_unavailable') {
        throw new DatabaseAwayError('a part of a call has no place yet')
      }
      await rejected.keep(webhook, source, rejection)
    },
  }
}

/** What a customer will miss is a warning; never what the request says. */
function tell(
  { partition, offset, workspaceId, receivedAt, record: { headers } }: KeptRequest,
  result: KeptOutcome,
  { activity, logger }: StartKeptRequestsOptions,
): void {
  const { reason, provider, 'source-id': sourceId = '' } = headers
  const line = { reason, provider, sourceId, workspaceId, partition, offset, result }
  if (isUnderstood(result)) {
    activity.note(sourceId, receivedAt)
    logger.info(line, 'kept_request.brought_in')
  } else {
    logger.warn(line, 'kept_request.dropped')
  }
}
