import { expect, it } from 'vitest'
import { aKafkaBench } from '../support/kafka-bench.ts'
import { record, valuesIn } from '../support/written-records.ts'

/*
 * What a customer would have seen: a call that its provider had been told "accepted" for never
 * arrived. kafkajs keeps the answers of a send by broker. When a partition moves to a broker that
 * has answered for another partition already, it asks nobody for the moved one any more, and
 * resolves.
 *
 * Timeline   leaders     partition 0: broker 1        partition 1: broker 2
 *            moved       partition 0 to broker 2
 *            send        a ─> broker 1 ✗ NOT_LEADER    b ─> broker 2 ✓
 *            again       broker 2 "has answered": a goes nowhere, and both are acknowledged
 *
 * Proves     acknowledged is in the log, once, at the offset that was told.
 */
it('a record whose leader moves to a broker that has answered already is written', async () => {
  const { kafka, aProducer } = await aKafkaBench({ topics: { calls: 2 } })
  const producer = await aProducer()
  await Promise.all([producer.send(record('first', 0)), producer.send(record('first', 1))])
  kafka.moveLeader('calls', 0, 2)

  const offsets = await Promise.all([
    producer.send(record('a', 0)),
    producer.send(record('a2', 0)),
    producer.send(record('b', 1)),
  ])

  expect(valuesIn(kafka, 0)).toEqual(['first', 'a', 'a2'])
  expect(valuesIn(kafka, 1)).toEqual(['first', 'b'])
  expect(offsets).toEqual([1, 2, 1])
})
