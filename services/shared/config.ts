import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { isCidr } from './egress/addresses.ts'
import { securityProblems } from './kafka/security-problems.ts'

/**
 * Environment → typed, frozen configuration. Everything wrong is reported at once, so that an
 * operator does not mend one variable per restart. The only other places that see `process.env`
 * are the `config.ts` of the services, which add their own variables to these.
 */

export type Environment = Readonly<Record<string, string | undefined>>

/** Exit code of BSD's sysexits for a configuration error: restarting does not help. */
export const EXIT_CONFIG = 78

/** A value that prints as `[redacted]` wherever it is logged, formatted or serialized. */
export class Secret {
  readonly #value: string
  constructor(value: string) {
    this.#value = value
  }
  reveal(): string {
    return this.#value
  }
  toString(): string {
    return '[redacted]'
  }
  toJSON(): string {
    return '[redacted]'
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[redacted]'
  }
}

export class ConfigError extends Error {
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(`The configuration is wrong:\n${problems.map((line) => `  - ${line}`).join('\n')}`)
    this.name = 'ConfigError'
    this.problems = problems
  }
}

export const secret = z
  .string()
  .min(1)
  .transform((value) => new Secret(value))
export const port = z.coerce.number().int().min(0).max(65_535)
export const milliseconds = z.coerce.number().int().positive()
export const count = z.coerce.number().int().positive()
export const flag = z.enum(['true', 'false']).transform((value) => value === 'true')
export const commaList = z.string().transform((value) =>
  value
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== ''),
)

/** Collectors take all of them on the same port but `grpc`, whose client is 10 MB of packages. */
const otlpProtocol = z.enum(['http/protobuf', 'http/json'])

const saslMechanism = z.enum(['plain', 'scram-sha-256', 'scram-sha-512'])

const certificates = z
  .string()
  .refine((pem) => parses(() => new X509Certificate(pem)), 'must hold certificates in PEM')
const privateKey = secret.refine(
  (pem) => parses(() => createPrivateKey(pem.reveal())),
  'must hold a private key in PEM, without a passphrase',
)

function parses(parse: () => unknown): boolean {
  try {
    parse()
    return true
  } catch {
    return false // Why is OpenSSL's word for it; that it is no PEM says more.
  }
}

/** An address is logged and shown in errors; a password in it would be, too. */
const registryUrl = z.url().refine((url) => {
  if (!URL.canParse(url)) return true // Is told already.
  const { username, password } = new URL(url)
  return username === '' && password === ''
}, 'must not hold a name or password: set SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD')

export const kafkaVariables = {
  KAFKA_BROKERS: commaList.default(['127.0.0.1:9092']),
  KAFKA_SSL: flag.default(false),
  KAFKA_SSL_CA: certificates.optional(),
  KAFKA_SSL_CERT: certificates.optional(),
  KAFKA_SSL_KEY: privateKey.optional(),
  KAFKA_SASL_MECHANISM: saslMechanism.optional(),
  KAFKA_SASL_USERNAME: z.string().optional(),
  KAFKA_SASL_PASSWORD: secret.optional(),
  SCHEMA_REGISTRY_URL: registryUrl.default('http://127.0.0.1:8081'),
  SCHEMA_REGISTRY_USERNAME: z.string().optional(),
  SCHEMA_REGISTRY_PASSWORD: secret.optional(),
  SCHEMA_REGISTRY_CA: certificates.optional(),
  TOPIC_PREFIX: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]*$/)
    .default('calls'),
  TOPIC_PARTITIONS: count.max(10_000).default(12),
}

export const commonVariables = {
  DATABASE_URL: secret,
  /** False: a job does it, and the service waits for that. */
  MIGRATE_AT_START: flag.default(true),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  STOP_DEADLINE_MS: milliseconds.default(9_000),
  /** Of one of the machine's network interfaces; without it, all of them. */
  LISTEN_ADDRESS: z.union([z.ipv4(), z.ipv6()]).optional(),
}

export const egressVariables = {
  EGRESS_ALLOW_CIDRS: commaList
    .refine((ranges) => ranges.every(isCidr), 'must be ranges such as 10.0.0.0/8,fd00::/8')
    .default([]),
  EGRESS_ALLOW_HTTP: flag.default(false),
}

/**
 * Of the standard variables those that decide whether traces are on, and how they are sent. All
 * others (endpoint, headers, sampler, queue) are read by OpenTelemetry's SDK itself.
 */
export const tracingVariables = {
  OTEL_SDK_DISABLED: z
    .string()
    .transform((value) => value.trim().toLowerCase() === 'true')
    .default(false),
  OTEL_TRACES_EXPORTER: z.enum(['otlp', 'none']).optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url().optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: z.url().optional(),
  OTEL_EXPORTER_OTLP_PROTOCOL: otlpProtocol.optional(),
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: otlpProtocol.optional(),
}

export interface TracingConfig {
  readonly isOn: boolean
  readonly protocol: z.infer<typeof otlpProtocol>
}

export function tracingConfig(env: z.infer<z.ZodObject<typeof tracingVariables>>): TracingConfig {
  const isAsked =
    env.OTEL_TRACES_EXPORTER === 'otlp' ||
    env.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined ||
    env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT !== undefined
  return {
    isOn: isAsked && env.OTEL_TRACES_EXPORTER !== 'none' && !env.OTEL_SDK_DISABLED,
    protocol:
      env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ?? env.OTEL_EXPORTER_OTLP_PROTOCOL ?? 'http/protobuf',
  }
}

/** `DISPATCHER_…` variables that the console reads, too: a ping promises what a delivery needs. */
export const requestTimeout = milliseconds.default(5_000)
export const RETRY_TIERS = ['5s', '30s', '2m', '10m', '30m', '1h', '3h', '6h']

/** 32 bytes in base64; encrypts passwords and signing secrets at rest. */
export const secretsKey = secret.refine(
  (value) => Buffer.from(value.reveal(), 'base64').length === 32,
  'must be 32 bytes in base64: make one with `openssl rand -base64 32`',
)

export interface KafkaConfig {
  readonly brokers: readonly string[]
  readonly tls: KafkaTls | null
  readonly sasl: (Login & { readonly mechanism: z.infer<typeof saslMechanism> }) | null
  readonly registry: RegistryConfig
  readonly topicPrefix: string
  readonly partitions: number
}

/** In PEM; null is what Node trusts by itself, and no certificate of our own. */
export interface KafkaTls {
  readonly ca: string | null
  readonly own: { readonly cert: string; readonly key: Secret } | null
}

export interface Login {
  readonly username: string
  readonly password: Secret
}

export interface RegistryConfig {
  readonly url: string
  readonly login: Login | null
  /** In PEM; null is what Node trusts by itself. */
  readonly ca: string | null
}

/** Expects what `readEnvironment` let pass: half a login or half a key pair counts as none. */
export function kafkaConfig(env: z.infer<z.ZodObject<typeof kafkaVariables>>): KafkaConfig {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SSL_CERT: cert, KAFKA_SSL_KEY: key } = env
  const sasl = loginOf(env.KAFKA_SASL_USERNAME, env.KAFKA_SASL_PASSWORD)
  const own = cert && key ? { cert, key } : null
  return {
    brokers: env.KAFKA_BROKERS,
    tls: env.KAFKA_SSL ? { ca: env.KAFKA_SSL_CA ?? null, own } : null,
    sasl: mechanism && sasl ? { mechanism, ...sasl } : null,
    registry: {
      url: env.SCHEMA_REGISTRY_URL,
      login: loginOf(env.SCHEMA_REGISTRY_USERNAME, env.SCHEMA_REGISTRY_PASSWORD),
      ca: env.SCHEMA_REGISTRY_CA ?? null,
    },
    topicPrefix: env.TOPIC_PREFIX,
    partitions: env.TOPIC_PARTITIONS,
  }
}

function loginOf(username: string | undefined, password: Secret | undefined): Login | null {
  return username && password ? { username, password } : null
}

/**
 * Reads the variables of `shape`. `NAME_FILE` names a file that holds the value of `NAME` (how
 * Docker and Kubernetes hand over secrets); an empty variable counts as absent.
 *
 * @throws ConfigError with every problem, each naming its variable.
 */
export function readEnvironment<Shape extends z.ZodRawShape>(
  shape: Shape,
  env: Environment,
): z.infer<z.ZodObject<Shape>> {
  const problems: string[] = []
  const values: Record<string, string> = {}
  for (const name of Object.keys(shape)) {
    const read = readVariable(name, env)
    if ('problem' in read) problems.push(read.problem)
    else if (read.value !== undefined) values[name] = read.value
  }
  const parsed = z.object(shape).safeParse(values)
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      // The first step names the variable, further ones a part of it (an entry of a list).
      const name = String(issue.path[0])
      const absent = values[name] === undefined
      problems.push(`${name}: ${absent ? 'is required and not set' : issue.message}`)
    }
  }
  problems.push(...securityProblems(values))
  if (problems.length > 0 || !parsed.success) throw new ConfigError(problems)
  return parsed.data
}

function readVariable(
  name: string,
  env: Environment,
): { value: string | undefined } | { problem: string } {
  const direct = env[name]
  if (direct !== undefined && direct !== '') return { value: direct }
  const file = env[`${name}_FILE`]
  if (file === undefined || file === '') return { value: undefined }
  try {
    return { value: readFileSync(file, 'utf8').trim() }
  } catch (error) {
    return { problem: `${name}_FILE: cannot read ${file} (${(error as Error).message})` }
  }
}
