import kafkajs, { type Kafka, type KafkaConfig as KafkajsConfig, type LogEntry } from 'kafkajs'
// Pinned to kafkajs 2.2.4; `test/unit/shared/kafka/client.test.ts` fails when its insides change.
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'
import { systemClock } from '../clock.ts'
import type { KafkaConfig } from '../config.ts'
import type { Logger } from '../logger.ts'
import { METADATA } from './wire/api.ts'
import { type Address, connectionMakerOf, openBroker } from './wire/broker-connection.ts'

/**
 * The one door to kafkajs: our logger, a timer patch, settings that were measured.
 *
 * Of kafkajs we use what makes connections and encodes requests (see `wire/`), and its admin client
 * when a service starts. Its own producer and consumer lose records and stand still on a cluster.
 *
 * kafkajs logs what it will retry by itself as ERROR. To us an error is something a person must
 * act on, so its errors become warnings; what really fails is thrown and logged by its owner.
 */
export function createKafka(config: KafkaConfig, clientId: string, logger: Logger): Kafka {
  stopIdleTimer()
  const kafka: Kafka = new kafkajs.Kafka({
    clientId,
    brokers: async () => responsiveFirst(kafka, config.brokers),
    ...securitySettings(config),
    connectionTimeout: 1_000,
    requestTimeout: 5_000,
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 3 },
    logLevel: kafkajs.logLevel.WARN,
    logCreator: () => writeLog(logger),
  })
  addresses.set(kafka, config.brokers.map(addressOf))
  return kafka
}

const addresses = new WeakMap<Kafka, readonly Address[]>()

/** Where the cluster can be asked first; the brokers themselves tell the rest. */
export function addressesOf(kafka: Kafka): readonly Address[] {
  return addresses.get(kafka) ?? []
}

function addressOf(broker: string): Address {
  const [host = '', port = ''] = broker.split(':')
  return { host, port: Number(port) }
}

/**
 * kafkajs begins with the first address of the list, and with one that hangs it waits there: no
 * process could start while that broker stands still. So whoever answers first comes first.
 */
async function responsiveFirst(kafka: Kafka, brokers: readonly string[]): Promise<string[]> {
  if (brokers.length === 1) return [...brokers]
  const maker = connectionMakerOf(kafka)
  const connections = brokers.map((broker) => openBroker(maker, addressOf(broker)))
  try {
    const request = { topics: ['-'], allowAutoTopicCreation: false } as const
    const first = await Promise.any(
      connections.map((one, index) => one.ask(METADATA, request, 1_500).then(() => index)),
    )
    return [...brokers.slice(first), ...brokers.slice(0, first)]
  } catch {
    return [...brokers]
  } finally {
    for (const connection of connections) connection.destroy()
  }
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

/** Its connections tell the same failure at each of many tries; those who use them tell it once. */
const SILENT = new Set(['Connection', 'ConnectionPool', 'RequestQueue'])

/** What has been silent for so long and comes again is news. */
const NEWS_AFTER_MS = 60_000
/** More than kafkajs has sentences, so the map stays small whatever an error says. */
const SENTENCES_MAX = 200

/** One line when something begins; while it goes on, tries that follow each other say nothing new. */
function writeLog(logger: Logger): (entry: LogEntry) => void {
  const heardAt = new Map<string, number>()
  return ({ namespace, log }) => {
    if (SILENT.has(namespace)) return
    const { message, timestamp: _, logger: __, stack: ___, ...facts } = log
    const sentence = `${namespace} ${message} ${facts['broker'] ?? ''}`
    const now = systemClock.elapsed()
    const isNews = now - (heardAt.get(sentence) ?? Number.NEGATIVE_INFINITY) >= NEWS_AFTER_MS
    if (heardAt.size >= SENTENCES_MAX) heardAt.clear()
    heardAt.set(sentence, now)
    if (isNews) logger.warn({ kafka: namespace, detail: message, ...facts }, 'kafka.client')
  }
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
