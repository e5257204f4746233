import { randomBytes } from 'node:crypto'
import type { Kafka } from 'kafkajs'
import { onTestFinished } from 'vitest'
import type { KafkaConfig } from '../../../services/shared/config.ts'
import { createKafka } from '../../../services/shared/kafka/client.ts'
import { createLogReader } from '../../../services/shared/kafka/log-reader.ts'
import {
  type PartitionConsumer,
  startPartitionConsumer,
} from '../../../services/shared/kafka/partition-consumer.ts'
import { startLogProducer } from '../../../services/shared/kafka/producer.ts'
import { FIND_COORDINATOR, LEAVE_GROUP } from '../../../services/shared/kafka/wire/api.ts'
import { createClusterLink } from '../../../services/shared/kafka/wire/cluster-link.ts'
import { quiet } from '../builders.ts'
import { eventually } from '../eventually.ts'
import {
  type Brokers,
  type GroupMember,
  type KafkaEnvironment,
  PARTITIONS,
} from './environments.ts'
import { Witness } from './witness.ts'

/** A real broker that was killed is let in again after 9 s at the earliest, on a busy machine later. */
const MENDED_WITHIN_MS = 150_000

export async function kafkaEnvironment(
  brokers: Brokers,
  { replicas = 3 }: { readonly replicas?: number } = {},
): Promise<KafkaEnvironment> {
  const name = `t${randomBytes(4).toString('hex')}`
  const [topic, other] = [`${name}.calls`, `${name}.lanes`]
  const topics = [topic, other] as const
  const groupId = `${name}.group`
  const kafka = createKafka(configOf(brokers), name, quiet)
  const around = { kafka, logger: quiet, partitions: PARTITIONS.length }
  const clients: Promise<{ stop(): Promise<void> }>[] = []
  onTestFinished(async () => {
    // First the brokers: a client says goodbye to them.
    await brokers.mend()
    await Promise.allSettled(clients.map((client) => client.then((it) => it.stop())))
  }, MENDED_WITHIN_MS)
  function keep<T extends { stop(): Promise<void> }>(client: Promise<T>): Promise<T> {
    clients.push(client)
    return client
  }
  // The test before may have given up in the middle of its trouble.
  await brokers.mend()
  await brokers.createTopics(topics, { replicas })
  const environment: KafkaEnvironment = {
    topic,
    topics,
    groupId,
    batchBytesMax: brokers.batchBytesMax,
    briefSessionMs: brokers.briefSessionMs,
    aProducer: (options) => keep(startLogProducer({ ...around, timeoutMs: 10_000, ...options })),
    written: (partition) => readAll(kafka, topic, partition),
    async aMember({ sessionTimeoutMs } = brokers): Promise<GroupMember> {
      const owner = new Witness(topics)
      const onCreated = (consumer: PartitionConsumer) => {
        owner.consumer = consumer
      }
      const options = { ...around, groupId, topics, owner, onCreated, sessionTimeoutMs }
      return { consumer: await keep(startPartitionConsumer(options)), witness: owner }
    },
    async append(to, partition, ...values) {
      const producer = await startLogProducer({ ...around, timeoutMs: 30_000 })
      const records = values.map((value) => ({ key: 'kyiv', value: Buffer.from(value) }))
      await Promise.all(records.map((one) => producer.send({ ...one, topic: to, partition })))
      await producer.stop()
    },
    expelAll: async () => expel(kafka, groupId, await brokers.membersOf(groupId)),
    leaderOf: (partition) => brokers.leaderOf(topic, partition),
    moveLeaders: () => brokers.moveLeaders(topics),
    coordinator: () => brokers.coordinatorOf(groupId),
    moveCoordinator: () => brokers.moveCoordinator(groupId),
    kill: (broker) => brokers.kill(broker),
    start: (broker) => brokers.start(broker),
    freeze: (broker) => brokers.freeze(broker),
    thaw: (broker) => brokers.thaw(broker),
  }
  return environment
}

function configOf({ addresses }: Brokers): KafkaConfig {
  return {
    brokers: addresses,
    tls: null,
    sasl: null,
    registry: { url: 'http://127.0.0.1:1', login: null, ca: null },
    topicPrefix: 'calls',
    partitions: PARTITIONS.length,
  }
}

/** All that stands in the log, once its leader answers. */
async function readAll(kafka: Kafka, topic: string, partition: number) {
  const reader = createLogReader({ kafka, topic, logger: quiet })
  try {
    const { low, high } = await eventually(() => reader.range(partition))
    const found: { offset: number; value: string }[] = []
    for (let offset = low; offset < high; ) {
      const { messages, next } = await eventually(() => reader.read(partition, offset))
      for (const one of messages) found.push({ offset: Number(one.offset), value: `${one.value}` })
      offset = next
    }
    return found
  } finally {
    await reader.stop()
  }
}

/** As the coordinator does with members that it has not heard of for too long. */
async function expel(kafka: Kafka, groupId: string, members: readonly string[]): Promise<void> {
  const link = createClusterLink({ kafka, logger: quiet })
  const { coordinator } = await link.askAnyone(FIND_COORDINATOR, { groupId })
  for (const memberId of members) await link.ask(coordinator, LEAVE_GROUP, { groupId, memberId })
  link.close()
}
