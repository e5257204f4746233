import { z } from 'zod'
import {
  commaList,
  commonVariables,
  type Environment,
  egressVariables,
  type KafkaConfig,
  kafkaConfig,
  kafkaVariables,
  port,
  RETRY_TIERS,
  readEnvironment,
  requestTimeout,
  type Secret,
  secret,
} from '../shared/config.ts'
import { type SecretBox, secretBoxFrom, secretsVariables } from '../shared/secret-box.ts'

const variables = {
  ...commonVariables,
  ...kafkaVariables,
  ...egressVariables,
  ...secretsVariables,
  CONSOLE_PORT: port.default(8090),
  CONSOLE_TELEMETRY_PORT: port.default(9103),
  OPERATOR_TOKEN: secret,
  NORMALIZER_PUBLIC_URL: z.url().default('http://127.0.0.1:8080'),
  DISPATCHER_REQUEST_TIMEOUT_MS: requestTimeout,
  DISPATCHER_RETRY_TIERS: commaList.default(RETRY_TIERS),
}

export interface ConsoleConfig {
  readonly port: number
  readonly telemetryPort: number
  readonly databaseUrl: Secret
  readonly logLevel: string
  readonly stopDeadlineMs: number
  readonly operatorToken: Secret
  readonly kafka: KafkaConfig
  readonly secretBox: SecretBox
  /** Without a slash at the end. */
  readonly normalizerPublicUrl: string
  readonly allowCidrs: readonly string[]
  readonly allowHttp: boolean
  readonly requestTimeoutMs: number
  /** First attempt and one per tier. */
  readonly attemptsMax: number
}

/** @throws ConfigError with everything that is wrong. */
export function readConfig(env: Environment = process.env): ConsoleConfig {
  const read = readEnvironment(variables, env)
  return Object.freeze({
    port: read.CONSOLE_PORT,
    telemetryPort: read.CONSOLE_TELEMETRY_PORT,
    databaseUrl: read.DATABASE_URL,
    logLevel: read.LOG_LEVEL,
    stopDeadlineMs: read.STOP_DEADLINE_MS,
    operatorToken: read.OPERATOR_TOKEN,
    kafka: kafkaConfig(read),
    secretBox: secretBoxFrom(read),
    normalizerPublicUrl: read.NORMALIZER_PUBLIC_URL.replace(/\/+$/, ''),
    allowCidrs: read.EGRESS_ALLOW_CIDRS,
    allowHttp: read.EGRESS_ALLOW_HTTP,
    requestTimeoutMs: read.DISPATCHER_REQUEST_TIMEOUT_MS,
    attemptsMax: read.DISPATCHER_RETRY_TIERS.length + 1,
  })
}
