import { onTestFinished } from 'vitest'
import type { KafkaConfig } from '../../services/shared/config.ts'
import { withinMs } from '../../services/shared/deadline.ts'
import { createKafka } from '../../services/shared/kafka/client.ts'
import {
  type LogProducer,
  type LogProducerOptions,
  startLogProducer,
} from '../../services/shared/kafka/producer.ts'
import { createLogger, type Logger } from '../../services/shared/logger.ts'
import { type FakeKafka, type FakeKafkaOptions, startFakeKafka } from './fake-kafka/fake-kafka.ts'

/** Longer than any client needs to say goodbye to brokers that answer. */
const GOODBYE_MS = 2_000

/**
 * The clients of the product before brokers that do what a test says. Everything stops by itself when
 * the test is through: first the clients, while the brokers are in good health again.
 */
export interface KafkaBench {
  readonly kafka: FakeKafka
  readonly logger: Logger
  /** What was logged, line by line. */
  readonly lines: readonly string[]
  /** Of one client; `addresses`: its `KAFKA_BROKERS`, by default all brokers. */
  config(addresses?: readonly string[]): KafkaConfig
  /** Stopped when the test is through. */
  keep<T extends { stop(): Promise<void> }>(client: T): T
  aProducer(options?: Partial<LogProducerOptions>): Promise<LogProducer>
}

export async function aKafkaBench(options: FakeKafkaOptions): Promise<KafkaBench> {
  const kafka = await startFakeKafka(options)
  const lines: string[] = []
  const logger = createLogger('test', 'debug', { write: (line) => lines.push(line) })
  const partitions = Math.max(...Object.values(options.topics))
  const clients: { stop(): Promise<void> }[] = []
  onTestFinished(async () => {
    kafka.calmDown()
    // A client that is not able to stop any more must not hide what the test has found.
    await Promise.allSettled(clients.map((client) => withinMs(GOODBYE_MS, client.stop())))
    await kafka.stop()
  })
  const bench: KafkaBench = {
    kafka,
    logger,
    lines,
    config: (addresses = kafka.addresses) => ({
      brokers: addresses,
      tls: null,
      sasl: null,
      registry: { url: 'http://127.0.0.1:1', login: null, ca: null },
      topicPrefix: 'calls',
      partitions,
    }),
    keep: (client) => {
      clients.push(client)
      return client
    },
    aProducer: async (overrides) => {
      const options = {
        kafka: createKafka(bench.config(), 'test', logger),
        logger,
        timeoutMs: 5_000,
        partitions,
        ...overrides,
      }
      return bench.keep(await startLogProducer(options))
    },
  }
  return bench
}
