import { z } from 'zod'
import {
  commaList,
  commonVariables,
  count,
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
import {
  derivedKeys,
  type SecretBox,
  secretBoxFrom,
  secretsVariables,
} from '../shared/secret-box.ts'
import { createSourceTokens, SOURCE_TOKENS, type SourceTokens } from '../shared/source-token.ts'
import { RETENTION_DAYS_MIN, type RetentionDays } from './retention.ts'

/** It opens every workspace, and is the only token that a person makes up. */
const OPERATOR_TOKEN_MIN = 32
const operatorTokenVariable = secret.refine(
  (value) => value.reveal().length >= OPERATOR_TOKEN_MIN,
  `must have at least ${OPERATOR_TOKEN_MIN} characters: make one with \`openssl rand -hex 32\``,
)

const variables = {
  ...commonVariables,
  ...kafkaVariables,
  ...egressVariables,
  ...secretsVariables,
  CONSOLE_PORT: port.default(8090),
  CONSOLE_TELEMETRY_PORT: port.default(9103),
  CONSOLE_PUBLIC_URL: z
    .string()
    .transform(withoutSlash)
    .refine(isOrigin, 'must be an origin such as https://console.example.com')
    .optional(),
  CONSOLE_FRAME_ORIGINS: commaList
    .pipe(z.array(z.string().refine(isOrigin, 'must be origins such as https://crm.example.com')))
    .default([]),
  CONSOLE_TRUSTED_PROXIES: commaList
    .pipe(z.array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()])))
    .default([]),
  CONSOLE_SOURCES_MAX: count.default(50),
  CONSOLE_POSTGRES_CONNECTIONS_MAX: count.default(10),
  OPERATOR_TOKEN: operatorTokenVariable,
  OPERATOR_TOKEN_PREVIOUS: operatorTokenVariable.optional(),
  NORMALIZER_PUBLIC_URL: z.url().default('http://127.0.0.1:8080'),
  DISPATCHER_REQUEST_TIMEOUT_MS: requestTimeout,
  DISPATCHER_RETRY_TIERS: commaList.default(RETRY_TIERS),
  ATTEMPTS_RETENTION_DAYS: days(1).default(30),
  DEAD_LETTERS_RETENTION_DAYS: days(RETENTION_DAYS_MIN).default(90),
  GAPS_RETENTION_DAYS: days(RETENTION_DAYS_MIN).default(90),
  BACKFILLS_RETENTION_DAYS: days(RETENTION_DAYS_MIN).default(90),
  TOKENS_RETENTION_DAYS: days(1).default(30),
  DISCONNECTED_RETENTION_DAYS: days(RETENTION_DAYS_MIN).default(365),
}

export interface ConsoleConfig {
  readonly port: number
  readonly telemetryPort: number
  /** Where browsers reach the console, without a slash at the end. */
  readonly publicUrl: string
  readonly frameOrigins: readonly string[]
  readonly trustedProxies: readonly string[]
  readonly databaseUrl: Secret
  readonly migrateAtStart: boolean
  readonly connectionsMax: number
  readonly logLevel: string
  readonly stopDeadlineMs: number
  /** Default: all addresses of the machine. */
  readonly listenAddress: string | undefined
  /** Sources of one workspace. */
  readonly sourcesMax: number
  /** The current one, and the one before while the platform goes over. */
  readonly operatorTokens: readonly Secret[]
  readonly kafka: KafkaConfig
  readonly secretBox: SecretBox
  readonly sourceTokens: SourceTokens
  /** Without a slash at the end. */
  readonly normalizerPublicUrl: string
  readonly allowCidrs: readonly string[]
  readonly allowHttp: boolean
  readonly requestTimeoutMs: number
  /** First attempt and one per tier. */
  readonly attemptsMax: number
  /** Delivery attempts are kept for so many whole days. */
  readonly attemptsRetentionDays: number
  readonly retentionDays: RetentionDays
}

/** @throws ConfigError with everything that is wrong. */
export function readConfig(env: Environment = process.env): ConsoleConfig {
  const read = readEnvironment(variables, env)
  return Object.freeze({
    port: read.CONSOLE_PORT,
    telemetryPort: read.CONSOLE_TELEMETRY_PORT,
    publicUrl: read.CONSOLE_PUBLIC_URL ?? `http://127.0.0.1:${read.CONSOLE_PORT}`,
    frameOrigins: read.CONSOLE_FRAME_ORIGINS,
    trustedProxies: read.CONSOLE_TRUSTED_PROXIES,
    databaseUrl: read.DATABASE_URL,
    migrateAtStart: read.MIGRATE_AT_START,
    connectionsMax: read.CONSOLE_POSTGRES_CONNECTIONS_MAX,
    logLevel: read.LOG_LEVEL,
    stopDeadlineMs: read.STOP_DEADLINE_MS,
    listenAddress: read.LISTEN_ADDRESS,
    sourcesMax: read.CONSOLE_SOURCES_MAX,
    operatorTokens: [read.OPERATOR_TOKEN, read.OPERATOR_TOKEN_PREVIOUS].filter(
      (token) => token !== undefined,
    ),
    kafka: kafkaConfig(read),
    secretBox: secretBoxFrom(read),
    sourceTokens: createSourceTokens(derivedKeys(read, SOURCE_TOKENS)),
    normalizerPublicUrl: withoutSlash(read.NORMALIZER_PUBLIC_URL),
    allowCidrs: read.EGRESS_ALLOW_CIDRS,
    allowHttp: read.EGRESS_ALLOW_HTTP,
    requestTimeoutMs: read.DISPATCHER_REQUEST_TIMEOUT_MS,
    attemptsMax: read.DISPATCHER_RETRY_TIERS.length + 1,
    attemptsRetentionDays: read.ATTEMPTS_RETENTION_DAYS,
    retentionDays: {
      deadLetters: read.DEAD_LETTERS_RETENTION_DAYS,
      gaps: read.GAPS_RETENTION_DAYS,
      backfills: read.BACKFILLS_RETENTION_DAYS,
      tokens: read.TOKENS_RETENTION_DAYS,
      disconnected: read.DISCONNECTED_RETENTION_DAYS,
    },
  })
}

function days(min: number) {
  return z.coerce.number().int().min(min).max(3_650)
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '')
}

/** Without a path: a browser compares origins, and would never match anything longer. */
function isOrigin(text: string): boolean {
  return /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text
}
