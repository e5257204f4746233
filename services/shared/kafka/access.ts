import kafkajs from 'kafkajs'
import { systemClock } from '../clock.ts'
import { ConfigError, type KafkaConfig } from '../config.ts'
import { withinMs } from '../deadline.ts'
import { securitySettings } from './client.ts'

/**
 * The first knock at Kafka. kafkajs takes a certificate that it does not trust, or a listener that
 * speaks another protocol, for a broker that is away: it tries for nine seconds (measured) and then
 * says "connection error". A person who mistyped a variable gets the variable's name at once instead.
 */

/** Why a broker that is there does not let us in. */
export type AccessProblem = keyof typeof MENDS

const MENDS = {
  wrong_login:
    'KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD: the broker refuses them; check both, and that the user exists for this mechanism',
  mechanism_not_offered: 'KAFKA_SASL_MECHANISM: the broker does not offer it on this listener',
  no_login_wanted:
    'KAFKA_SASL_MECHANISM: this listener takes no login; take the port of one that does, or leave out KAFKA_SASL_*',
  untrusted_certificate:
    "KAFKA_SSL_CA: the broker's certificate is not signed by an authority that we trust; put the one of your brokers there",
  expired_certificate: "KAFKA_SSL: the broker's certificate is out of date; renew it there",
  other_host_name:
    "KAFKA_BROKERS: the broker's certificate is for other host names; use one of those",
  own_certificate_refused:
    'KAFKA_SSL_CERT, KAFKA_SSL_KEY: the broker wants a certificate of ours that it trusts; set both, or renew them',
  key_mismatch: 'KAFKA_SSL_KEY: is not the key of KAFKA_SSL_CERT',
  closed:
    'KAFKA_SSL, KAFKA_SASL_MECHANISM: the broker hangs up; it probably speaks TLS or wants a login where we do not, or the reverse',
} as const

const BY_CODE: Readonly<Record<string, AccessProblem>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'untrusted_certificate',
  SELF_SIGNED_CERT_IN_CHAIN: 'untrusted_certificate',
  UNABLE_TO_GET_ISSUER_CERT: 'untrusted_certificate',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'untrusted_certificate',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'untrusted_certificate',
  CERT_SIGNATURE_FAILURE: 'untrusted_certificate',
  CERT_HAS_EXPIRED: 'expired_certificate',
  CERT_NOT_YET_VALID: 'expired_certificate',
  ERR_TLS_CERT_ALTNAME_INVALID: 'other_host_name',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'own_certificate_refused',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'own_certificate_refused',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: 'own_certificate_refused',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'own_certificate_refused',
  ERR_SSL_WRONG_VERSION_NUMBER: 'closed',
  EPROTO: 'closed',
  ECONNRESET: 'closed',
}

/** What kafkajs tells in words only. */
const BY_WORDS: readonly (readonly [RegExp, AccessProblem])[] = [
  [/mechanism is not supported|not support the requested SASL mechanism/i, 'mechanism_not_offered'],
  [/current SASL state/i, 'no_login_wanted'],
  [/key values mismatch/i, 'key_mismatch'],
  [/Closed connection|closed by the server|before secure TLS/i, 'closed'],
]

/** Null when the error says nothing about access: the broker is away, or slow. */
export function accessProblem(error: unknown): AccessProblem | null {
  for (let one = error; one instanceof Error; one = one.cause) {
    const { message, name, code } = one as Error & { code?: unknown }
    const known = BY_CODE[String(code)] ?? BY_WORDS.find(([words]) => words.test(message))?.[1]
    if (known) return known
    if (name === 'KafkaJSSASLAuthenticationError') return 'wrong_login'
  }
  return null
}

type Answer = AccessProblem | 'open' | 'away'

const ANSWER_WITHIN_MS = 3_000
/** A broker that just starts or stops hangs up as well, but not twice. */
const KNOCK_AGAIN_MS = 1_000
/** kafkajs waits for what is open, also of a broker that hangs. */
const GOODBYE_MS = 500

/**
 * Asks every broker of the list. One that lets us in is enough, and brokers that are away are no
 * matter of the configuration: the caller meets them with patience.
 *
 * @throws ConfigError when nobody lets us in and somebody says why; names the broker and the
 *   variable, and no secret.
 */
export async function requireAccess(config: KafkaConfig, clientId: string): Promise<void> {
  const knocks = config.brokers.map((broker) => knock(config, broker, clientId))
  // One that hangs keeps nobody waiting while another one lets us in.
  if (await Promise.any(knocks.map(requireOpen)).catch(() => false)) return
  const answers = await Promise.all(knocks)
  const problems = answers.flatMap((answer, index) =>
    answer in MENDS ? [`${MENDS[answer as AccessProblem]} (${config.brokers[index]})`] : [],
  )
  if (problems.length > 0) throw new ConfigError(problems)
}

async function requireOpen(answer: Promise<Answer>): Promise<true> {
  if ((await answer) === 'open') return true
  throw new Error('not open')
}

async function knock(config: KafkaConfig, broker: string, clientId: string): Promise<Answer> {
  const first = await knockOnce(config, broker, clientId)
  if (first !== 'closed') return first
  await systemClock.sleep(KNOCK_AGAIN_MS)
  return knockOnce(config, broker, clientId)
}

async function knockOnce(config: KafkaConfig, broker: string, clientId: string): Promise<Answer> {
  const admin = new kafkajs.Kafka({
    clientId,
    brokers: [broker],
    ...securitySettings(config),
    connectionTimeout: ANSWER_WITHIN_MS,
    requestTimeout: ANSWER_WITHIN_MS,
    retry: { retries: 0 },
    logLevel: kafkajs.logLevel.NOTHING,
  }).admin()
  try {
    // Without a login a broker that wants one answers the first question and hangs up at the next.
    await withinMs(
      2 * ANSWER_WITHIN_MS,
      admin.connect().then(() => admin.describeCluster()),
    )
    return 'open'
  } catch (error) {
    return accessProblem(error) ?? 'away'
  } finally {
    await withinMs(GOODBYE_MS, admin.disconnect()).catch(() => undefined)
  }
}
