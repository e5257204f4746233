import { z } from 'zod'
import {
  commaList,
  commonVariables,
  type Environment,
  egressVariables,
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
  ...egressVariables,
  ...secretsVariables,
  CONSOLE_PORT: port.default(8090),
  CONSOLE_TELEMETRY_PORT: port.default(9103),
  OPERATOR_TOKEN: secret,
  NORMALIZER_PUBLIC_URL: z.url().default('http://127.0.0.1:8080'),
  DISPATCHER_REQUEST_TIMEOUT_MS: requestTimeout,
  DISPATCHER_RETRY_TIERS: commaList.default(RETRY_TIERS),
  ATTEMPTS_RETENTION_DAYS: z.coerce.number().int().min(1).max(3_650).default(30),
}

export interface ConsoleConfig {
  readonly port: number
  readonly telemetryPort: number
  readonly databaseUrl: Secret
  readonly logLevel: string
  readonly stopDeadlineMs: number
  readonly operatorToken: Secret
  readonly secretBox: SecretBox
  /** Without a slash at the end. */
  readonly normalizerPublicUrl: string
  readonly allowCidrs: readonly string[]
  readonly allowHttp: boolean
  readonly requestTimeoutMs: number
  /** First attempt and one per tier. */
  readonly attemptsMax: number
  /** Delivery attempts are kept for so many whole days. */
  readonly attemptsRetentionDays: number
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
    secretBox: secretBoxFrom(read),
    normalizerPublicUrl: read.NORMALIZER_PUBLIC_URL.replace(/\/+$/, ''),
    allowCidrs: read.EGRESS_ALLOW_CIDRS,
    allowHttp: read.EGRESS_ALLOW_HTTP,
    requestTimeoutMs: read.DISPATCHER_REQUEST_TIMEOUT_MS,
    attemptsMax: read.DISPATCHER_RETRY_TIERS.length + 1,
    attemptsRetentionDays: read.ATTEMPTS_RETENTION_DAYS,
  })
}
