import kafkajs, { type Kafka, type KafkaConfig as KafkajsConfig, type LogEntry } from 'kafkajs'
// Pinned to kafkajs 2.2.4; `test/unit/shared/kafka/client.test.ts` fails when its insides change.
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'
import type { KafkaConfig } from '../config.ts'
import type { Logger } from '../logger.ts'

/**
 * The one door to kafkajs: our logger, a timer patch, settings that were measured.
 *
 * kafkajs logs what it will retry by itself as ERROR. To us an error is something a person must
 * act on, so its errors become warnings; what really fails is thrown and logged by its owner.
 */
export function createKafka(config: KafkaConfig, clientId: string, logger: Logger): Kafka {
  stopIdleTimer()
  return new kafkajs.Kafka({
    clientId,
    brokers: [...config.brokers],
    ...securitySettings(config),
    connectionTimeout: 3_000,
    requestTimeout: 10_000,
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 8 },
    logLevel: kafkajs.logLevel.WARN,
    logCreator: () => (entry) => writeLog(logger, entry),
  })
}

/** How kafkajs gets in: TLS, and who we are. */
export function securitySettings({
  tls,
  sasl,
}: Pick<KafkaConfig, 'tls' | 'sasl'>): Pick<KafkajsConfig, 'ssl' | 'sasl'> {
  const own = tls?.own ? { cert: tls.own.cert, key: tls.own.key.reveal() } : {}
  const ssl = tls ? { ...(tls.ca === null ? {} : { ca: tls.ca }), ...own } : false
  if (sasl === null) return { ssl }
  const { mechanism, username, password } = sasl
  // The union of kafkajs wants a literal mechanism; ours is one of its three.
  return { ssl, sasl: { mechanism: mechanism as 'plain', username, password: password.reveal() } }
}

function writeLog(logger: Logger, { namespace, log }: LogEntry): void {
  const { message, timestamp: _, logger: __, stack: ___, ...facts } = log
  logger.warn({ kafka: namespace, detail: message, ...facts }, 'kafka.client')
}

let patched = false

/**
 * kafkajs 2.2.4 re-arms a timer of a negative delay for ever on each connection (its issues 1704
 * and 1751): about 4 % of a core while idle, and a warning on every tick from Node 24 on. Nothing
 * has to be scheduled while nothing is pending.
 */
function stopIdleTimer(): void {
  if (patched) return
  patched = true
  const original = RequestQueue.prototype.scheduleCheckPendingRequests
  function schedule(this: RequestQueue) {
    if (this.pending.length > 0) original.call(this)
  }
  RequestQueue.prototype.scheduleCheckPendingRequests = Object.assign(schedule, { original })
}
