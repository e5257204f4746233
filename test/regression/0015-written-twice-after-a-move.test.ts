import { expect, it } from 'vitest'
import type { SeenRequest } from '../support/fake-kafka/faults.ts'
import { aKafkaBench } from '../support/kafka-bench.ts'
import { record, valuesIn } from '../support/written-records.ts'

/*
 * What a customer would have seen: the same call twice, with two event ids. kafkajs keeps the
 * answers of a send by broker. A partition that was written, and then moves to a broker that has not
 * answered, is written there once more: with new sequence numbers, so that the broker cannot know it
 * again.
 *
 * Timeline   leaders     partition 0: broker 1        partition 1: broker 2
 *            send        a ─> broker 1 ✓ written       b ─> broker 2 ✗ NOT_LEADER
 *            moved       both partitions to broker 3
 *            again       a ─> broker 3 written again   b ─> broker 3 ✓
 *
 * Proves     an answer counts for the partition it was given for, whoever leads that one later.
 */
it('a record that was answered is not sent again when its partition moves', async () => {
  const { kafka, aProducer } = await aKafkaBench({ topics: { calls: 2 } })
  const producer = await aProducer()
  await Promise.all([producer.send(record('first', 0)), producer.send(record('first', 1))])
  kafka.moveLeader('calls', 1, 3)
  const answered = kafka.holdAnswers(isProduceTo(1))
  const notLed = kafka.holdAnswers(isProduceTo(2))

  const sent = Promise.all([producer.send(record('a', 0)), producer.send(record('b', 1))])
  await Promise.all([answered.held, notLed.held])
  kafka.moveLeader('calls', 0, 3)
  answered.release()
  notLed.release()

  expect(await sent).toEqual([1, 1])
  expect(valuesIn(kafka, 0)).toEqual(['first', 'a'])
  expect(valuesIn(kafka, 1)).toEqual(['first', 'b'])
})

function isProduceTo(leader: number) {
  return ({ api, broker }: SeenRequest) => api === 'Produce' && broker === leader
}
