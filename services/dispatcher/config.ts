import { z } from 'zod'
import {
  commaList,
  commonVariables,
  count,
  type Environment,
  egressVariables,
  flag,
  kafkaConfig,
  kafkaVariables,
  milliseconds,
  port,
  RETRY_TIERS,
  readEnvironment,
  requestTimeout,
  tracingConfig,
  tracingVariables,
} from '../shared/config.ts'
import { secretBoxFrom, secretsVariables } from '../shared/secret-box.ts'
import { WINDOW_MAX } from './lane/commit-metadata.ts'
import { parseTiers } from './lane/retry-policy.ts'

const retryTiers = commaList.transform((labels, context) => {
  try {
    return parseTiers(labels)
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message })
    return z.NEVER
  }
})

const variables = {
  ...commonVariables,
  ...kafkaVariables,
  ...egressVariables,
  ...secretsVariables,
  ...tracingVariables,
  DISPATCHER_TELEMETRY_PORT: port.default(9102),
  DISPATCHER_GROUP_ID: z.string().min(1).optional(),
  DISPATCHER_RETRY_TIERS: retryTiers.default(parseTiers(RETRY_TIERS)),
  DISPATCHER_REQUEST_TIMEOUT_MS: requestTimeout,
  DISPATCHER_IN_FLIGHT_MAX: count.default(512),
  DISPATCHER_ATTEMPTS_BUFFER_MAX: count.default(100_000),
  DISPATCHER_CONNECTIONS_MAX: count.default(20_000),
  DISPATCHER_POSTGRES_CONNECTIONS_MAX: count.default(8),
  DISPATCHER_QUEUE_MAX: count.default(4_000),
  DISPATCHER_LANE_QUEUE_MAX: count.default(1_000),
  DISPATCHER_CHECKPOINT_EVERY: count.default(200),
  DISPATCHER_CHECKPOINT_MS: milliseconds.default(5_000),
  DISPATCHER_SEND_TRACEPARENT: flag.default(false),
  DISPATCHER_SESSION_TIMEOUT_MS: milliseconds.min(6_000).default(10_000),
}

export type DispatcherConfig = ReturnType<typeof readConfig>

/** @throws ConfigError */
export function readConfig(env: Environment = process.env) {
  const read = readEnvironment(variables, env)
  return Object.freeze({
    databaseUrl: read.DATABASE_URL,
    migrateAtStart: read.MIGRATE_AT_START,
    logLevel: read.LOG_LEVEL,
    stopDeadlineMs: read.STOP_DEADLINE_MS,
    listenAddress: read.LISTEN_ADDRESS,
    kafka: kafkaConfig(read),
    secretBox: secretBoxFrom(read),
    allowCidrs: read.EGRESS_ALLOW_CIDRS,
    allowHttp: read.EGRESS_ALLOW_HTTP,
    telemetryPort: read.DISPATCHER_TELEMETRY_PORT,
    groupId: read.DISPATCHER_GROUP_ID ?? `${read.TOPIC_PREFIX}.dispatcher`,
    tiers: read.DISPATCHER_RETRY_TIERS,
    requestTimeoutMs: read.DISPATCHER_REQUEST_TIMEOUT_MS,
    inFlightMax: read.DISPATCHER_IN_FLIGHT_MAX,
    attemptsMax: read.DISPATCHER_ATTEMPTS_BUFFER_MAX,
    connectionsMax: read.DISPATCHER_CONNECTIONS_MAX,
    databaseConnectionsMax: read.DISPATCHER_POSTGRES_CONNECTIONS_MAX,
    limits: {
      queueMax: read.DISPATCHER_QUEUE_MAX,
      laneQueueMax: read.DISPATCHER_LANE_QUEUE_MAX,
      parkedMax: 1,
      windowMax: WINDOW_MAX,
      checkpointEvery: read.DISPATCHER_CHECKPOINT_EVERY,
      checkpointMs: read.DISPATCHER_CHECKPOINT_MS,
    },
    tracing: tracingConfig(read),
    sendTraceparent: read.DISPATCHER_SEND_TRACEPARENT,
    sessionTimeoutMs: read.DISPATCHER_SESSION_TIMEOUT_MS,
  })
}
