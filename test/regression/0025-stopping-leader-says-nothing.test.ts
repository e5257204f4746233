import { expect, it } from 'vitest'
import { withinMs } from '../../services/shared/deadline.ts'
import { eventually } from '../support/eventually.ts'
import { aKafkaBench } from '../support/kafka-bench.ts'
import { record } from '../support/written-records.ts'

/** Far below the 3 s after which a broker that answers nothing is hung up on. */
const SOON_MS = 1_500
const TIMES = { timeout: 15_000 }

/*
 * What customers would have seen: with each upgrade of Kafka, three times over, calls that came seconds
 * late. A broker that stops in good order hands its partitions over first, and may let what it was asked
 * before lie until its process ends.
 *
 * Timeline   broker 1    leads calls/0; has our poll, and stops: it listens, and answers nothing
 *            broker 2    leads calls/0
 *            reader      waits for broker 1
 *
 * Proves     whoever waits for an answer looks meanwhile whether another broker leads.
 */
async function aStoppingLeader() {
  const bench = await aKafkaBench({ topics: { calls: 3 } })
  const stop = () => {
    bench.kafka.freeze(1)
    bench.kafka.moveLeader('calls', 0, 2)
  }
  return { ...bench, stop }
}

it('records are read from the next leader while the last one says nothing', TIMES, async () => {
  const { kafka, aConsumer, stop } = await aStoppingLeader()
  kafka.append('calls', 0, { value: 'a' })
  const { owner } = await aConsumer()
  await eventually(() => expect(owner.taken).toEqual(['calls/0 a']), 3_000)

  stop()
  kafka.append('calls', 0, { value: 'b' })

  await eventually(() => expect(owner.taken).toEqual(['calls/0 a', 'calls/0 b']), SOON_MS)
})

it('a record is written by the next leader while the last one says nothing', TIMES, async () => {
  const { aProducer, stop } = await aStoppingLeader()
  const producer = await aProducer()
  await producer.send(record('a', 0))

  stop()

  expect(await withinMs(SOON_MS, producer.send(record('b', 0)))).toBe(1)
})
