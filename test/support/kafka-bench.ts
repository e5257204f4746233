import { onTestFinished } from 'vitest'
import type { KafkaConfig } from '../../services/shared/config.ts'
import { withinMs } from '../../services/shared/deadline.ts'
import { createKafka } from '../../services/shared/kafka/client.ts'
import { createLogReader, type LogReader } from '../../services/shared/kafka/log-reader.ts'
import {
  type PartitionConsumer,
  type PartitionConsumerOptions,
  startPartitionConsumer,
} from '../../services/shared/kafka/partition-consumer.ts'
import {
  type LogProducer,
  type LogProducerOptions,
  startLogProducer,
} from '../../services/shared/kafka/producer.ts'
import { createLogger } from '../../services/shared/logger.ts'
import { type FakeKafka, type FakeKafkaOptions, startFakeKafka } from './fake-kafka/fake-kafka.ts'
import { RecordingOwner } from './recording-owner.ts'

/** Longer than any client needs to say goodbye to brokers that answer. */
const GOODBYE_MS = 2_000

/**
 * The clients of the product before brokers that do what a test says. Everything stops by itself when
 * the test is through: first the clients, while the brokers are in good health again.
 */
export interface KafkaBench {
  readonly kafka: FakeKafka
  /** What was logged, line by line. */
  readonly lines: readonly string[]
  aProducer(options?: Partial<LogProducerOptions>): Promise<LogProducer>
  aReader(topic: string): LogReader
  /** A member of the group `group` that reads all topics, and the owner of its partitions. */
  aConsumer(options?: Partial<PartitionConsumerOptions>): Promise<Member>
}

export interface Member {
  readonly consumer: PartitionConsumer
  readonly owner: RecordingOwner
}

interface Client {
  stop(): Promise<void>
}

export async function aKafkaBench(options: FakeKafkaOptions): Promise<KafkaBench> {
  const kafka = await startFakeKafka(options)
  const lines: string[] = []
  const logger = createLogger('test', 'debug', { write: (line) => lines.push(line) })
  const partitions = Math.max(...Object.values(options.topics))
  const clients: Promise<Client>[] = []
  onTestFinished(async () => {
    kafka.calmDown()
    // A client that is not able to stop any more must not hide what the test has found.
    const goodbyes = clients.map((client) =>
      withinMs(
        GOODBYE_MS,
        client.then((it) => it.stop()),
      ),
    )
    await Promise.allSettled(goodbyes)
    await kafka.stop()
  })
  /** Also one that starts too late for the test. */
  function keep<T extends Client>(client: Promise<T>): Promise<T> {
    clients.push(client)
    return client
  }
  const around = () => ({
    kafka: createKafka(configOf(kafka, partitions), 'test', logger),
    logger,
    partitions,
  })
  return {
    kafka,
    lines,
    aProducer: (overrides) => {
      const all = { ...around(), timeoutMs: 5_000, ...overrides }
      return keep(startLogProducer(all))
    },
    aReader: (topic) => {
      const reader = createLogReader({ ...around(), topic })
      clients.push(Promise.resolve(reader))
      return reader
    },
    aConsumer: async (overrides) => {
      const topics = Object.keys(options.topics)
      const owner = new RecordingOwner(topics)
      const onCreated = (consumer: PartitionConsumer) => {
        owner.consumer = consumer
      }
      const rest = { groupId: 'group', topics, owner, onCreated, sessionTimeoutMs: 3_000 }
      const all = { ...around(), ...rest, ...overrides }
      return { owner, consumer: await keep(startPartitionConsumer(all)) }
    },
  }
}

function configOf(kafka: FakeKafka, partitions: number): KafkaConfig {
  return {
    brokers: kafka.addresses,
    tls: null,
    sasl: null,
    registry: { url: 'http://127.0.0.1:1', login: null, ca: null },
    topicPrefix: 'calls',
    partitions,
  }
}
