import { expect, it } from 'vitest'
import { ERRORS } from '../support/fake-kafka/error-codes.ts'
import { aKafkaBench } from '../support/kafka-bench.ts'
import { record, valuesIn } from '../support/written-records.ts'

/*
 * What a customer would have seen: a call that its provider had been told "accepted" for never
 * arrived. The one before it was written, its answer got lost, and when it was sent again the broker
 * refused it, since somebody was changing permissions. The next record went out under the same
 * sequence numbers, and the broker took it for the repeat of the one that it had.
 *
 * Timeline   send        a ─> written as number 1, the answer is lost
 *            again       a ─> ✗ not allowed
 *            send        b ─> as number 1: "I have that", and b is acknowledged and nowhere
 *
 * Proves     what may have been written is not told to be refused, and its numbers are not used again.
 */
it.each([
  ERRORS.TOPIC_AUTHORIZATION_FAILED,
  ERRORS.MESSAGE_TOO_LARGE,
  ERRORS.OUT_OF_ORDER_SEQUENCE_NUMBER,
])('a record is written after one whose second try was refused with %i', async (errorCode) => {
  const { kafka, aProducer } = await aKafkaBench({ topics: { calls: 1 } })
  const producer = await aProducer()
  await producer.send(record('first', 0))
  kafka.faults.dropAnswer(({ api }) => api === 'Produce')
  const stop = kafka.onAnswer(({ api }) => {
    if (api === 'Produce') kafka.faults.failNext('Produce', errorCode)
    stop()
  })

  await expect(producer.send(record('a', 0))).rejects.toMatchObject({ mayBeWritten: true })
  const offset = await producer.send(record('b', 0))

  expect(valuesIn(kafka, 0)).toEqual(['first', 'a', 'b'])
  expect(offset).toBe(2)
})
