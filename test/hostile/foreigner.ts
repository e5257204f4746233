import kafkajs, { type Kafka, type Message, type Producer } from 'kafkajs'
import type { CallEvent } from '../../services/shared/call-event.ts'
import {
  type CallEventEncoder,
  createCallEventEncoder,
  readCallEventSchema,
} from '../../services/shared/call-event-codec.ts'
import { createKafka } from '../../services/shared/kafka/client.ts'
import { createCallEventRegistry } from '../../services/shared/kafka/schema-registry.ts'
import { topicNames, withAdmin } from '../../services/shared/kafka/topics.ts'
import { quiet } from '../support/builders.ts'
import { kafkaConfigOf } from '../support/event-log.ts'
import { eventually } from '../support/eventually.ts'
import { deleteTopics } from '../support/topics-anew.ts'

/** Somebody else who may write to our topics, and who administers the broker: kafkajs as it is. */
export class Foreigner {
  readonly kafka: Kafka
  readonly topic: string
  readonly #producer: Producer
  readonly #encoder: CallEventEncoder

  private constructor(kafka: Kafka, topic: string, producer: Producer, encoder: CallEventEncoder) {
    this.kafka = kafka
    this.topic = topic
    this.#producer = producer
    this.#encoder = encoder
  }

  static async open(env: Readonly<Record<string, string>>): Promise<Foreigner> {
    const config = kafkaConfigOf(env)
    const kafka = createKafka(config, 'foreigner', quiet)
    const { events } = topicNames(config.topicPrefix)
    const schema = readCallEventSchema()
    const id = await createCallEventRegistry(config.registry).register(events, schema)
    const producer = kafka.producer({ allowAutoTopicCreation: false })
    await producer.connect()
    return new Foreigner(kafka, events, producer, createCallEventEncoder(schema, id))
  }

  encode(event: CallEvent): Buffer {
    return this.#encoder.encode(event)
  }

  /** Into `calls.events`, acknowledged. */
  async write(partition: number, message: Omit<Message, 'partition'>): Promise<void> {
    await this.#producer.send({ topic: this.topic, messages: [{ ...message, partition }] })
  }

  /** In their order, and in batches that the broker takes. */
  async writeAll(partition: number, messages: readonly Message[]): Promise<void> {
    for (let from = 0; from < messages.length; from += BATCH_RECORDS) {
      const batch = messages.slice(from, from + BATCH_RECORDS)
      await this.#producer.send({
        topic: this.topic,
        messages: batch.map((message) => ({ ...message, partition })),
      })
    }
  }

  async writeCompressed(
    compression: number,
    partition: number,
    message: Omit<Message, 'partition'>,
  ): Promise<void> {
    const messages = [{ ...message, partition }]
    await this.#producer.send({ topic: this.topic, compression, messages })
  }

  /** Changes a setting of `calls.events`, as `kafka-configs.sh --alter` does; the others stay. */
  async alter(name: string, value: string): Promise<void> {
    const { TOPIC: type } = kafkajs.ConfigResourceTypes
    await withAdmin(this.kafka, async (admin) => {
      const asked = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type, name: this.topic }],
      })
      const kept = (asked.resources[0]?.configEntries ?? [])
        .filter(({ isDefault, configSource }) => !isDefault && configSource === TOPIC_CONFIG)
        .map(({ configName, configValue }) => ({ name: configName, value: configValue }))
        .filter((entry) => entry.name !== name)
      const configEntries = [...kept, { name, value }]
      await admin.alterConfigs({
        validateOnly: false,
        resources: [{ type, name: this.topic, configEntries }],
      })
    })
  }

  /** `calls.events` is deleted and made again, with the same settings: its offsets begin at 0. */
  async makeAnew(partitions: number): Promise<void> {
    await deleteTopics(this.kafka, [this.topic])
    const configEntries = [
      { name: 'message.timestamp.type', value: 'LogAppendTime' },
      { name: 'retention.ms', value: String(7 * 86_400_000) },
    ]
    const topics = [{ topic: this.topic, numPartitions: partitions, configEntries }]
    await withAdmin(this.kafka, (admin) => admin.createTopics({ waitForLeaders: false, topics }))
    await eventually(() => withAdmin(this.kafka, (admin) => admin.fetchTopicOffsets(this.topic)))
  }

  /** What a group that has no members committed of `calls.events`, in each of its partitions. */
  async commit(groupId: string, partitions: number, offset: number): Promise<void> {
    const offsets = Array.from({ length: partitions }, (_, partition) => ({
      partition,
      offset: String(offset),
    }))
    await withAdmin(this.kafka, (admin) =>
      admin.setOffsets({ groupId, topic: this.topic, partitions: offsets }),
    )
  }

  async addPartitions(count: number): Promise<void> {
    await withAdmin(this.kafka, (admin) =>
      admin.createPartitions({ topicPartitions: [{ topic: this.topic, count }] }),
    )
  }

  async stop(): Promise<void> {
    await this.#producer.disconnect()
  }
}

const BATCH_RECORDS = 500

/** Set on the topic itself, and not inherited from the broker. */
const TOPIC_CONFIG = kafkajs.ConfigSource.TOPIC_CONFIG
