import { expect, it } from 'vitest'
import { ERRORS } from '../support/fake-kafka/error-codes.ts'
import { aKafkaBench } from '../support/kafka-bench.ts'
import { record, valuesIn } from '../support/written-records.ts'

/*
 * What a customer would have seen: no calls from the moment in which somebody mistyped a permission.
 * The broker refuses all records for the moment, and each was taken for a bad one, which nobody keeps:
 * the provider had a 503, and most never send again.
 *
 * Timeline   record a   ✗ TOPIC_AUTHORIZATION_FAILED      (goes into the spool)
 *            record b   ✓ the permission is back
 *
 * Proves     what is refused for another reason than what it is may be tried again, and is not written.
 */
it('a record that may not be written for now is no bad record', async () => {
  const { kafka, aProducer } = await aKafkaBench({ topics: { calls: 1 } })
  const producer = await aProducer()
  kafka.faults.failNext('Produce', ERRORS.TOPIC_AUTHORIZATION_FAILED, { times: 1 })

  await expect(producer.send(record('a', 0))).rejects.toMatchObject({
    name: 'ProduceError',
    mayBeWritten: false,
  })
  await producer.send(record('b', 0))

  expect(valuesIn(kafka, 0)).toEqual(['b'])
})
