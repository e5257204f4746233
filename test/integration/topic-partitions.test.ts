import type { Kafka } from 'kafkajs'
import { expect, it, onTestFinished } from 'vitest'
import { createKafka } from '../../services/shared/kafka/client.ts'
import { startLogProducer } from '../../services/shared/kafka/producer.ts'
import {
  eventsTopic,
  prepareTopics,
  topicNames,
  withAdmin,
} from '../../services/shared/kafka/topics.ts'
import { quiet } from '../support/builders.ts'
import { kafkaConfigOf } from '../support/event-log.ts'
import { freshPrefix, testStack } from '../support/stack.ts'

const kafkaOf = () => createKafka(kafkaConfigOf(testStack().env), 'topics-test', quiet)

it('refuses a topic with another number of partitions, with the sentence that mends it', async () => {
  const kafka = kafkaOf()
  const names = topicNames(freshPrefix())
  await prepareTopics(kafka, [eventsTopic(names, 3)])

  for (const partitions of [2, 6]) {
    await expect(prepareTopics(kafka, [eventsTopic(names, partitions)])).rejects.toThrow(
      `Topic ${names.events} has 3 partitions, TOPIC_PARTITIONS says ${partitions}: ` +
        'set TOPIC_PARTITIONS=3 for all services. Do not add partitions',
    )
  }
})

it('goes on with a topic that somebody gave more partitions, until one of those is used', async () => {
  const kafka = kafkaOf()
  const names = topicNames(freshPrefix())
  await prepareTopics(kafka, [eventsTopic(names, 2)])
  await write(kafka, names.events, 1)
  await withAdmin(kafka, (admin) =>
    admin.createPartitions({ topicPartitions: [{ topic: names.events, count: 4 }] }),
  )

  await prepareTopics(kafka, [eventsTopic(names, 2)])
  await write(kafka, names.events, 3)

  await expect(prepareTopics(kafka, [eventsTopic(names, 2)])).rejects.toThrow('has 4 partitions')
})

async function write(kafka: Kafka, topic: string, partition: number): Promise<void> {
  const producer = await startLogProducer({
    kafka,
    logger: quiet,
    partitions: 2,
    timeoutMs: 10_000,
  })
  onTestFinished(() => producer.stop())
  await producer.send({ topic, partition, key: 'kyiv', value: Buffer.of(0) })
}
