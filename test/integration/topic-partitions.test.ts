import { expect, it } from 'vitest'
import { createKafka } from '../../services/shared/kafka/client.ts'
import { eventsTopic, prepareTopics, topicNames } from '../../services/shared/kafka/topics.ts'
import { quiet } from '../support/builders.ts'
import { kafkaConfigOf } from '../support/event-log.ts'
import { freshPrefix, testStack } from '../support/stack.ts'

it('refuses a topic with another number of partitions, with the sentence that mends it', async () => {
  const kafka = createKafka(kafkaConfigOf(testStack().env), 'topics-test', quiet)
  const names = topicNames(freshPrefix())
  await prepareTopics(kafka, [eventsTopic(names, 3)])

  await expect(prepareTopics(kafka, [eventsTopic(names, 6)])).rejects.toThrow(
    `Topic ${names.events} has 3 partitions, TOPIC_PARTITIONS says 6: run kafka-topics.sh ` +
      `--alter --topic ${names.events} --partitions 6. All topics need the same number`,
  )
  await expect(prepareTopics(kafka, [eventsTopic(names, 2)])).rejects.toThrow(
    'TOPIC_PARTITIONS says 2: set TOPIC_PARTITIONS=3.',
  )
})
