import {
  createCallEventEncoder,
  readCallEventSchema,
} from '../../services/shared/call-event-codec.ts'
import type { KafkaConfig } from '../../services/shared/config.ts'
import { createKafka } from '../../services/shared/kafka/client.ts'
import { createPartitioner } from '../../services/shared/kafka/partitioner.ts'
import { createCallEventRegistry } from '../../services/shared/kafka/schema-registry.ts'
import { prepareTopics, topicNames, withAdmin } from '../../services/shared/kafka/topics.ts'
import { aCallEvent, quiet } from './builders.ts'

/** A log that looks as if it had been written through a day, made within seconds. */
export interface DayOfCalls {
  readonly topic: string
  /** Log time of the first event, milliseconds since 1970. */
  readonly beganAt: number
  /** Milliseconds between two events. */
  readonly everyMs: number
  /** Keys and values of everything. */
  readonly bytes: number
}

export interface DayOptions {
  readonly events: number
  readonly workspaceIds: readonly string[]
}

const DAY_MS = 86_400_000
/** Of all partitions together: small enough that one batch spans minutes of the day, not hours. */
const RECORDS_PER_REQUEST = 1_000

/**
 * The workspaces take turns; the call of turn n has n as its `providerCallId`. Ends now. The topic
 * takes the times from us, where the product lets the broker stamp them.
 */
export async function writeDay(config: KafkaConfig, options: DayOptions): Promise<DayOfCalls> {
  const { workspaceIds, events } = options
  const kafka = createKafka(config, 'test', quiet)
  const topic = topicNames(config.topicPrefix).events
  const { partitions } = config
  await prepareTopics(kafka, [
    { topic, partitions, config: { 'message.timestamp.type': 'CreateTime' } },
  ])
  const schema = readCallEventSchema()
  const id = await createCallEventRegistry(config.registry).register(topic, schema)
  const encoder = createCallEventEncoder(schema, id)
  const producer = kafka.producer({ createPartitioner, allowAutoTopicCreation: false })
  await producer.connect()
  const [beganAt, everyMs] = [Date.now() - DAY_MS, DAY_MS / events]
  let bytes = 0
  for (let from = 0; from < events; from += RECORDS_PER_REQUEST) {
    const messages = Array.from(
      { length: Math.min(RECORDS_PER_REQUEST, events - from) },
      (_, at) => {
        const turn = from + at
        const key = workspaceIds[turn % workspaceIds.length] ?? ''
        const value = encoder.encode(aCallEvent(key, String(turn)))
        bytes += key.length + value.length
        return { key, value, timestamp: String(Math.floor(beganAt + turn * everyMs)) }
      },
    )
    await producer.sendBatch({ acks: -1, topicMessages: [{ topic, messages }] })
  }
  await producer.disconnect()
  return { topic, beganAt, everyMs, bytes }
}

/** Removes what stands before `offset`, as retention does. */
export async function removeBefore(
  config: KafkaConfig,
  { topic, partition, offset }: { topic: string; partition: number; offset: number },
): Promise<void> {
  await withAdmin(createKafka(config, 'test', quiet), async (admin) => {
    // kafkajs deletes only from topics that it has asked about.
    await admin.fetchTopicOffsets(topic)
    await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] })
  })
}
