import { expect, it } from 'vitest'
import { aKafkaBench } from '../support/kafka-bench.ts'
import { record, valuesIn } from '../support/written-records.ts'

/*
 * What a customer would have seen: a call twice, or the call after it not at all, when a broker
 * restarts between writing records and answering.
 *
 * Timeline   send        a ─> broker 1 ✓ written, and the connection is cut before the answer
 *            again       a ─> broker 1: knows the batch, answers where it stands
 *            send        b ─> broker 1 ✓
 *
 * Proves     what is sent again carries the sequence numbers of the first time, and what comes after it
 *            carries new ones.
 */
it('a record whose answer got lost is written once, and the next one, too', async () => {
  const { kafka, aProducer } = await aKafkaBench({ topics: { calls: 2 } })
  const producer = await aProducer()
  await Promise.all([producer.send(record('first', 0)), producer.send(record('first', 1))])
  kafka.faults.dropAnswer(({ api, broker }) => api === 'Produce' && broker === 1)

  const offsets = await Promise.all([producer.send(record('a', 0)), producer.send(record('b', 1))])
  const next = await Promise.all([producer.send(record('c', 0)), producer.send(record('d', 1))])

  expect(offsets).toEqual([1, 1])
  expect(next).toEqual([2, 2])
  expect(valuesIn(kafka, 0)).toEqual(['first', 'a', 'c'])
  expect(valuesIn(kafka, 1)).toEqual(['first', 'b', 'd'])
})

it('so it is when its partition has moved meanwhile', async () => {
  const { kafka, aProducer } = await aKafkaBench({ topics: { calls: 2 } })
  const producer = await aProducer()
  await Promise.all([producer.send(record('first', 0)), producer.send(record('first', 1))])
  kafka.faults.dropAnswer(({ api, broker }) => api === 'Produce' && broker === 1)
  const moved = kafka.onAnswer(({ api, broker }) => {
    if (api === 'Produce' && broker === 1) kafka.moveLeader('calls', 0, 3, { on: [2], answers: 1 })
  })

  const offsets = await Promise.all([producer.send(record('a', 0)), producer.send(record('b', 1))])
  moved()
  const next = await Promise.all([producer.send(record('c', 0)), producer.send(record('d', 1))])

  expect(offsets).toEqual([1, 1])
  expect(next).toEqual([2, 2])
  expect(valuesIn(kafka, 0)).toEqual(['first', 'a', 'c'])
  expect(valuesIn(kafka, 1)).toEqual(['first', 'b', 'd'])
})
