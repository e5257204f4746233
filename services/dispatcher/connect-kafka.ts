import type { Kafka } from 'kafkajs'
import { createKafka } from '../shared/kafka/client.ts'
import { createLogReader, type LogReader } from '../shared/kafka/log-reader.ts'
import { openSchemaBook } from '../shared/kafka/open-schema-book.ts'
import { type LogProducer, startLogProducer } from '../shared/kafka/producer.ts'
import { requireRights } from '../shared/kafka/require-rights.ts'
import type { SchemaBook } from '../shared/kafka/schema-book.ts'
import { type TopicNames, topicNames } from '../shared/kafka/topics.ts'
import type { Logger } from '../shared/logger.ts'
import type { Pool } from '../shared/postgres/pool.ts'
import type { DispatcherConfig } from './config.ts'
import { prepareDispatcherTopics } from './topics/prepare-topics.ts'

/** What the dispatcher has of Kafka: its topics, their schemas, a producer and a reader of the log. */
export interface KafkaSide {
  readonly client: Kafka
  readonly names: TopicNames
  /** Catch-up and retry topics, of this schedule and of earlier ones. */
  readonly laneTopics: readonly string[]
  /** All that the consumer group reads. */
  readonly topics: readonly string[]
  readonly schemas: SchemaBook
  readonly producer: LogProducer
  readonly reader: LogReader
  stop(): Promise<void>
}

/**
 * Long: within it a record is sent again under its own numbers, and stands in the log once. Given
 * up, it is written anew, and may stand there twice. Ends sooner when the partition is lost.
 */
const PRODUCE_TIMEOUT_MS = 60_000

/**
 * Before it joins the group: without the schema it would take partitions from members that have it,
 * and read nothing of them. A roll-out with the registry away would end with nobody who delivers.
 *
 * @throws ConfigError with each right that is missing in Kafka.
 * @throws TopicError when a topic is not as the dispatcher needs it.
 * @throws SchemaError when the registry cannot be asked.
 */
export async function connectKafka(
  { kafka: config, tiers, groupId }: DispatcherConfig,
  pool: Pool,
  logger: Logger,
): Promise<KafkaSide> {
  const delays = tiers.map(({ label }) => label)
  await requireRights(config, 'dispatcher', { logger, delays, groupId })
  const client = createKafka(config, 'dispatcher', logger)
  const names = topicNames(config.topicPrefix)
  const { partitions } = config
  const laneTopics = await prepareDispatcherTopics(client, names, { partitions, tiers, logger })
  const schemas = openSchemaBook(config.registry, names.events, { db: pool, logger })
  await schemas.refresh()
  const producer = await startLogProducer({
    kafka: client,
    logger,
    partitions,
    timeoutMs: PRODUCE_TIMEOUT_MS,
  })
  const reader = createLogReader({ kafka: client, topic: names.events, logger })
  return {
    client,
    names,
    laneTopics,
    topics: [names.events, ...laneTopics],
    schemas,
    producer,
    reader,
    stop: async () => {
      await Promise.all([producer.stop(), reader.stop()])
    },
  }
}
