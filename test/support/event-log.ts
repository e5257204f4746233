import type { CallEvent } from '../../services/shared/call-event.ts'
import {
  createCallEventEncoder,
  readCallEventSchema,
} from '../../services/shared/call-event-codec.ts'
import {
  type KafkaConfig,
  kafkaConfig,
  kafkaVariables,
  readEnvironment,
} from '../../services/shared/config.ts'
import { createKafka } from '../../services/shared/kafka/client.ts'
import { type LogProducer, startLogProducer } from '../../services/shared/kafka/producer.ts'
import { createCallEventRegistry } from '../../services/shared/kafka/schema-registry.ts'
import { eventsTopic, prepareTopics, topicNames } from '../../services/shared/kafka/topics.ts'
import { createLogger } from '../../services/shared/logger.ts'

export { aCallEvent } from './builders.ts'

/** Writes call events straight into the log, as the normalizer does, for tests of the dispatcher. */
export class EventLog {
  readonly topic: string
  readonly #producer: LogProducer
  readonly #encode: (event: CallEvent) => Buffer

  private constructor(topic: string, producer: LogProducer, encode: (e: CallEvent) => Buffer) {
    this.topic = topic
    this.#producer = producer
    this.#encode = encode
  }

  static async open(env: Readonly<Record<string, string>>): Promise<EventLog> {
    const config = kafkaConfigOf(env)
    const logger = createLogger('test', 'silent')
    const kafka = createKafka(config, 'test', logger)
    const topic = topicNames(config.topicPrefix).events
    await prepareTopics(kafka, [eventsTopic(topicNames(config.topicPrefix), config.partitions)])
    const schema = readCallEventSchema()
    const schemaId = await createCallEventRegistry(config.registry).register(topic, schema)
    const producer = await startLogProducer({
      kafka,
      logger,
      partitions: config.partitions,
      timeoutMs: 10_000,
    })
    const encoder = createCallEventEncoder(schema, schemaId)
    return new EventLog(topic, producer, (event) => encoder.encode(event))
  }

  async append(event: CallEvent): Promise<void> {
    await this.#producer.send({
      topic: this.topic,
      key: event.workspaceId,
      value: this.#encode(event),
    })
  }

  async stop(): Promise<void> {
    await this.#producer.stop()
  }
}

export function kafkaConfigOf(env: Readonly<Record<string, string>>): KafkaConfig {
  return kafkaConfig(readEnvironment(kafkaVariables, env))
}
