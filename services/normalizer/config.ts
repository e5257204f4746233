import { z } from 'zod'
import { PROVIDER_NAMES, type ProviderName } from '../shared/call-event.ts'
import {
  commaList,
  commonVariables,
  count,
  type Environment,
  egressVariables,
  type KafkaConfig,
  kafkaConfig,
  kafkaVariables,
  milliseconds,
  port,
  readEnvironment,
  type Secret,
  type TracingConfig,
  tracingConfig,
  tracingVariables,
} from '../shared/config.ts'
import { parseDelay } from '../shared/delay.ts'
import type { SpoolLimits } from '../shared/postgres/spool.ts'
import {
  derivedKeys,
  type SecretBox,
  secretBoxFrom,
  secretsVariables,
} from '../shared/secret-box.ts'
import { createSourceTokens, SOURCE_TOKENS, type SourceTokens } from '../shared/source-token.ts'
import type { RequestLimits } from './gate.ts'
import { createRecordingLinks, type RecordingLinks } from './recordings/recording-link.ts'
import type { RecordingLimits } from './recordings/recording-routes.ts'

/** `30s,5m,1h` → milliseconds. */
const delays = commaList.pipe(
  z
    .array(
      z
        .string()
        .regex(/^[1-9]\d{0,3}[smh]$/, 'must be delays such as 30s,5m,1h')
        .transform((text) => parseDelay(text) ?? z.NEVER),
    )
    .min(1)
    .max(20),
)

/** Base addresses, to which a path with a slash in front is added. */
const baseUrl = z.url().transform((url) => url.replace(/\/$/, ''))

/** The README has a table of these: meaning, unit, default, consequence. */
const variables = {
  ...commonVariables,
  ...kafkaVariables,
  ...secretsVariables,
  ...tracingVariables,
  ...egressVariables,
  NORMALIZER_PORT: port.default(8080),
  NORMALIZER_TELEMETRY_PORT: port.default(9101),
  NORMALIZER_PROVIDERS: commaList
    .pipe(z.array(z.enum(PROVIDER_NAMES)).min(1))
    .default([...PROVIDER_NAMES]),
  NORMALIZER_TRUSTED_PROXIES: commaList
    .pipe(z.array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()])))
    .default([]),
  // Below the 5 s after which the sender must have its answer.
  NORMALIZER_ANSWER_WITHIN_MS: milliseconds.max(60_000).default(4_500),
  // Below the answer's time, so that the request can still be spooled.
  NORMALIZER_PUBLISH_TIMEOUT_MS: milliseconds.max(30_000).default(3_000),
  NORMALIZER_SPOOL_REQUESTS_MAX: count.default(500_000),
  NORMALIZER_SPOOL_BYTES_MAX: count.default(2_000_000_000),
  NORMALIZER_SPOOL_AGE_MAX_MS: milliseconds.default(86_400_000),
  NORMALIZER_IN_FLIGHT_MAX: count.default(2_000),
  NORMALIZER_SOURCE_CACHE_MS: milliseconds.default(10_000),
  NORMALIZER_SOURCE_WEBHOOKS_PER_MINUTE: count.default(60_000),
  // A real webhook has 1 to 4 KB.
  NORMALIZER_SOURCE_BYTES_PER_MINUTE: count.default(100_000_000),
  NORMALIZER_SOURCE_CALLS_PER_MINUTE: count.default(60_000),
  NORMALIZER_SOURCE_REJECTED_BYTES_PER_DAY: count.default(50_000_000),
  // A source of a call each second, told in three webhooks of 3 KB, sends 800 MB in a day of outage.
  NORMALIZER_SOURCE_WAITING_BYTES_PER_DAY: count.default(1_000_000_000),
  NORMALIZER_UNKNOWN_TOKENS_PER_MINUTE: count.default(120),
  NORMALIZER_CLIENT_CONNECTIONS_MAX: count.default(5_000),
  NORMALIZER_FORGET_EVERY_MS: milliseconds.default(600_000),
  NORMALIZER_POSTGRES_CONNECTIONS_MAX: count.default(10),
  NORMALIZER_PUBLIC_URL: baseUrl.default('http://127.0.0.1:8080'),
  NORMALIZER_RECORDING_LINK_DAYS: count.max(3_650).default(30),
  NORMALIZER_RECORDING_CHECKS: delays.default(
    [1, 2, 5, 10, 15, 30, 60].map((minutes) => minutes * 60_000),
  ),
  NORMALIZER_SOURCE_RECORDINGS_PER_MINUTE: count.default(120),
  NORMALIZER_ADDRESS_RECORDINGS_PER_MINUTE: count.default(240),
  BINOTEL_API_URL: baseUrl.default('https://api.binotel.com'),
}

export interface NormalizerConfig {
  readonly port: number
  readonly telemetryPort: number
  readonly logLevel: string
  readonly stopDeadlineMs: number
  /** Default: all addresses of the machine. */
  readonly listenAddress: string | undefined
  readonly databaseUrl: Secret
  readonly migrateAtStart: boolean
  readonly connectionsMax: number
  readonly secretBox: SecretBox
  readonly sourceTokens: SourceTokens
  readonly kafka: KafkaConfig
  readonly providers: readonly ProviderName[]
  readonly trustedProxies: readonly string[]
  readonly answerWithinMs: number
  readonly publishTimeoutMs: number
  readonly spoolLimits: SpoolLimits
  readonly inFlightMax: number
  readonly sourceCacheMs: number
  readonly limits: RequestLimits
  /** Of requests of one source that could not be normalized. */
  readonly rejectedBytesPerDay: number
  /** Of requests of one source that wait for Postgres. */
  readonly waitingBytesPerDay: number
  readonly clientConnectionsMax: number
  readonly forgetEveryMs: number
  readonly tracing: TracingConfig
  readonly egress: { readonly allowCidrs: readonly string[]; readonly allowHttp: boolean }
  readonly recordings: RecordingsConfig
}

export interface RecordingsConfig {
  /** Where customers reach this service. */
  readonly publicUrl: string
  readonly links: RecordingLinks
  readonly linkMs: number
  readonly limits: RecordingLimits
  readonly checkDelaysMs: readonly number[]
  readonly binotelApiUrl: string
}

/** @throws ConfigError with everything that is wrong. */
export function readConfig(environment: Environment = process.env): NormalizerConfig {
  const env = readEnvironment(variables, environment)
  return Object.freeze({
    port: env.NORMALIZER_PORT,
    telemetryPort: env.NORMALIZER_TELEMETRY_PORT,
    logLevel: env.LOG_LEVEL,
    stopDeadlineMs: env.STOP_DEADLINE_MS,
    listenAddress: env.LISTEN_ADDRESS,
    databaseUrl: env.DATABASE_URL,
    migrateAtStart: env.MIGRATE_AT_START,
    connectionsMax: env.NORMALIZER_POSTGRES_CONNECTIONS_MAX,
    secretBox: secretBoxFrom(env),
    sourceTokens: createSourceTokens(derivedKeys(env, SOURCE_TOKENS)),
    kafka: kafkaConfig(env),
    providers: env.NORMALIZER_PROVIDERS,
    trustedProxies: env.NORMALIZER_TRUSTED_PROXIES,
    answerWithinMs: env.NORMALIZER_ANSWER_WITHIN_MS,
    publishTimeoutMs: env.NORMALIZER_PUBLISH_TIMEOUT_MS,
    spoolLimits: {
      requestsMax: env.NORMALIZER_SPOOL_REQUESTS_MAX,
      bytesMax: env.NORMALIZER_SPOOL_BYTES_MAX,
      ageMaxMs: env.NORMALIZER_SPOOL_AGE_MAX_MS,
    },
    inFlightMax: env.NORMALIZER_IN_FLIGHT_MAX,
    sourceCacheMs: env.NORMALIZER_SOURCE_CACHE_MS,
    limits: {
      perSource: env.NORMALIZER_SOURCE_WEBHOOKS_PER_MINUTE,
      bytesPerSource: env.NORMALIZER_SOURCE_BYTES_PER_MINUTE,
      callsPerSource: env.NORMALIZER_SOURCE_CALLS_PER_MINUTE,
      unknownPerAddress: env.NORMALIZER_UNKNOWN_TOKENS_PER_MINUTE,
    },
    rejectedBytesPerDay: env.NORMALIZER_SOURCE_REJECTED_BYTES_PER_DAY,
    waitingBytesPerDay: env.NORMALIZER_SOURCE_WAITING_BYTES_PER_DAY,
    clientConnectionsMax: env.NORMALIZER_CLIENT_CONNECTIONS_MAX,
    forgetEveryMs: env.NORMALIZER_FORGET_EVERY_MS,
    tracing: tracingConfig(env),
    egress: { allowCidrs: env.EGRESS_ALLOW_CIDRS, allowHttp: env.EGRESS_ALLOW_HTTP },
    recordings: recordingsConfig(env),
  })
}

function recordingsConfig(env: z.infer<z.ZodObject<typeof variables>>): RecordingsConfig {
  return {
    publicUrl: env.NORMALIZER_PUBLIC_URL,
    links: createRecordingLinks(derivedKeys(env, 'recording links')),
    linkMs: env.NORMALIZER_RECORDING_LINK_DAYS * 86_400_000,
    limits: {
      perSource: env.NORMALIZER_SOURCE_RECORDINGS_PER_MINUTE,
      perAddress: env.NORMALIZER_ADDRESS_RECORDINGS_PER_MINUTE,
    },
    checkDelaysMs: env.NORMALIZER_RECORDING_CHECKS,
    binotelApiUrl: env.BINOTEL_API_URL,
  }
}
