import { expect, it } from 'vitest'
import { withinMs } from '../../services/shared/deadline.ts'
import { eventually } from '../support/eventually.ts'
import { aKafkaBench } from '../support/kafka-bench.ts'
import { record, valuesIn } from '../support/written-records.ts'

const START_WITHIN_MS = 5_000

/*
 * What customers would have seen: nothing for minutes after a deployment, since each new process
 * asked the first address of KAFKA_BROKERS, whose machine was frozen: it takes connections, and
 * answers nothing. kafkajs waits for the answer for 10 s, and then asks the same one again.
 *
 * Timeline   broker 1    frozen from the start; brokers 2 and 3 have taken over from it
 *            process     starts, with broker 1 as the first of its addresses
 *
 * Proves     one broker that answers is enough to start, within seconds.
 */
async function aClusterWhoseFirstBrokerStandsStill() {
  const bench = await aKafkaBench({ topics: { calls: 3 } })
  bench.kafka.freeze(1)
  bench.kafka.fence(1)
  bench.kafka.moveLeader('calls', 0, 2)
  return bench
}

it('a producer starts though the first broker stands still', { timeout: 15_000 }, async () => {
  const { kafka, aProducer } = await aClusterWhoseFirstBrokerStandsStill()

  const producer = await withinMs(START_WITHIN_MS, aProducer())
  const offset = await producer.send(record('a', 0))

  expect(offset).toBe(0)
  expect(valuesIn(kafka, 0)).toEqual(['a'])
})

it('a consumer starts though the first broker stands still', { timeout: 15_000 }, async () => {
  const { kafka, aConsumer } = await aClusterWhoseFirstBrokerStandsStill()
  kafka.append('calls', 0, { value: 'a' })

  const { consumer, owner } = await withinMs(START_WITHIN_MS, aConsumer())
  await eventually(() => expect(owner.taken).toEqual(['calls/0 a']), 3_000)
  await consumer.commit([{ topic: 'calls', partition: 0, offset: 1, metadata: 'm' }])

  expect(kafka.committed('group', 'calls', 0)).toEqual({ offset: 1, metadata: 'm' })
})
