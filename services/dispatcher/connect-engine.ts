import { randomUUID } from 'node:crypto'
import type { Pool } from 'pg'
import type { Agent } from 'undici'
import { createCallEventDecoder } from '../shared/call-event-codec.ts'
import type { Clock } from '../shared/clock.ts'
import { createGuardedAgent } from '../shared/egress/guarded-agent.ts'
import type { Logger } from '../shared/logger.ts'
import { createOnRefusedRow } from '../shared/postgres/refused-rows.ts'
import type { Restores } from '../shared/restores/restores.ts'
import type { Tracing } from '../shared/tracing.ts'
import type { DispatcherConfig } from './config.ts'
import type { KafkaSide } from './connect-kafka.ts'
import { AttemptLog } from './delivery/attempt-log.ts'
import { BackfillLog } from './delivery/backfill-log.ts'
import { createDeliver } from './delivery/deliver.ts'
import { createGapLog } from './delivery/gap-log.ts'
import { createConnectionLoader } from './delivery/open-connection.ts'
import { createSequenceLog, type SequenceLog } from './delivery/sequence-log.ts'
import { Engine } from './engine.ts'
import { createDispatcherMetrics, type DispatcherMetrics } from './metrics.ts'
import { createCatchUp } from './topics/catch-up.ts'
import { createLaneWriter } from './topics/retry-topics.ts'

export interface Surroundings {
  readonly config: DispatcherConfig
  readonly kafka: KafkaSide
  readonly pool: Pool
  readonly restores: Pick<Restores, 'isClearNow' | 'tellIn'>
  readonly tracing: Tracing | null
  readonly clock: Clock
  readonly logger: Logger
}

export interface ConnectedEngine {
  readonly engine: Engine
  readonly sequences: SequenceLog
  readonly metrics: DispatcherMetrics
  readonly agent: Agent
}

/** The engine on real Kafka, Postgres and HTTP. */
export function connectEngine({
  config,
  kafka,
  pool,
  restores,
  tracing,
  clock,
  logger,
}: Surroundings): ConnectedEngine {
  const { schemas } = kafka
  const agent = createGuardedAgent(config)
  const metrics = createDispatcherMetrics(() => engine.figures(), {
    tiers: config.tiers,
    partitions: config.kafka.partitions,
    attemptsMax: config.attemptsMax,
  })
  restores.tellIn(metrics.registry)
  const { requestTimeoutMs } = config
  const onRefused = createOnRefusedRow(metrics.registry, logger)
  const attempts = new AttemptLog(pool, logger, config.attemptsMax, onRefused)
  const backfills = new BackfillLog(pool, onRefused)
  const sequences = createSequenceLog({ db: pool, eventsTopic: kafka.names.events, logger })
  const engine: Engine = new Engine({
    config,
    eventsTopic: kafka.names.events,
    laneTopics: kafka.laneTopics,
    decoder: createCallEventDecoder({ typeOf: (id) => schemas.typeOf(id), clock, logger }),
    lostSchemas: () => schemas.lost,
    deliver: createDeliver({ agent, requestTimeoutMs, clock }),
    attempts: {
      get isFull() {
        return attempts.isFull
      },
      get waiting() {
        return attempts.waiting
      },
      add: (attempt) => attempts.add(attempt),
      flush: async () => {
        await attempts.flush()
        await backfills.flush()
      },
    },
    backfills,
    sequences,
    gaps: createGapLog({ db: pool, clock, logger, onRefused }),
    writer: createLaneWriter({ producer: kafka.producer, names: kafka.names, clock, logger }),
    readLog: createCatchUp(kafka.reader, (bytes) => metrics.catchUpRead(bytes)),
    loadConnections: createConnectionLoader({
      db: pool,
      box: config.secretBox,
      eventsTopic: kafka.names.events,
      isBelievable: () => restores.isClearNow(),
      onRefused,
      clock,
      logger,
    }),
    replayed: (workspaceId, { id }, isThrough) => {
      backfills.ended(id, isThrough)
      logger.info({ workspaceId, backfill: id, isThrough }, 'backfill.ended')
    },
    random: Math.random,
    newSessionId: randomUUID,
    metrics,
    tracing,
    clock,
    // The hot path logs a line per attempt, of fields that hold no secret by their type; looking for
    // secrets in each costs a twentieth of the whole delivery.
    logger: logger.child({}, { redact: [] }),
  })
  return { engine, sequences, metrics, agent }
}
