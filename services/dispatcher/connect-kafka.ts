import type { Kafka } from 'kafkajs'
import { createKafka } from '../shared/kafka/client.ts'
import { createLogReader, type LogReader } from '../shared/kafka/log-reader.ts'
import { type LogProducer, startLogProducer } from '../shared/kafka/producer.ts'
import { type TopicNames, topicNames } from '../shared/kafka/topics.ts'
import type { Logger } from '../shared/logger.ts'
import type { DispatcherConfig } from './config.ts'
import { prepareDispatcherTopics } from './topics/prepare-topics.ts'

/** What the dispatcher has of Kafka: its topics, a producer and a reader of the log. */
export interface KafkaSide {
  readonly client: Kafka
  readonly names: TopicNames
  /** Catch-up and retry topics, of this schedule and of earlier ones. */
  readonly laneTopics: readonly string[]
  /** All that the consumer group reads. */
  readonly topics: readonly string[]
  readonly producer: LogProducer
  readonly reader: LogReader
  stop(): Promise<void>
}

/** A lane waits for its record; the caller tries again, so this is only how soon it notices. */
const PRODUCE_TIMEOUT_MS = 10_000

/** @throws TopicError when a topic is not as the dispatcher needs it. */
export async function connectKafka(
  { kafka: config, tiers }: DispatcherConfig,
  logger: Logger,
): Promise<KafkaSide> {
  const client = createKafka(config, 'dispatcher', logger)
  const names = topicNames(config.topicPrefix)
  const { partitions } = config
  const laneTopics = await prepareDispatcherTopics(client, names, { partitions, tiers })
  const producer = await startLogProducer({ kafka: client, logger, timeoutMs: PRODUCE_TIMEOUT_MS })
  const reader = createLogReader({ kafka: client, topic: names.events })
  return {
    client,
    names,
    laneTopics,
    topics: [names.events, ...laneTopics],
    producer,
    reader,
    stop: async () => {
      await Promise.all([producer.stop(), reader.stop()])
    },
  }
}
