import { expect, it } from 'vitest'
import type { LogProducer } from '../../services/shared/kafka/producer.ts'
import { eventually } from '../support/eventually.ts'
import { aKafkaBench } from '../support/kafka-bench.ts'
import { record, valuesIn, valuesOf } from '../support/written-records.ts'

const TIMEOUT_MS = 500
/** Longer than kafkajs waits before any of its tries with these settings. */
const SENT_ON_FOR_MS = 1_000

/*
 * What a customer would have seen: the beginning of a call after its end. The batch with the
 * beginning was given up, and its provider sent it again; seconds later the producer that had been
 * thrown away got a connection, and wrote it behind what had come meanwhile.
 *
 * Timeline   broker 1    FROZEN …………………………… killed; broker 2 leads the partition
 *            send        old ─> broker 1   given up    new 1 ✓ new 2 ✓ …
 *            kafkajs                                   old ─> broker 2 ✗ must not be
 *
 * Proves     what was given up is not sent any more.
 */
it('a record that was given up is not written behind newer ones', async () => {
  const { kafka, aProducer } = await aKafkaBench({ topics: { calls: 1 } })
  const producer = await aProducer({ timeoutMs: TIMEOUT_MS })
  await producer.send(record('first', 0))
  kafka.freeze(1)

  await expect(producer.send(record('old', 0))).rejects.toMatchObject({ mayBeWritten: true })
  const seen = kafka.requests.length
  kafka.fence(1)
  kafka.moveLeader('calls', 0, 2)
  await kafka.kill(1)
  const newer = await sendOn(producer)

  expect(kafka.requests.slice(seen).flatMap(valuesOf)).not.toContain('old')
  expect(valuesIn(kafka, 0)).not.toContain('old')
  expect(valuesIn(kafka, 0)).toEqual(expect.arrayContaining(newer))
})

it('nor after a thaw, except for what the broker had got before', async () => {
  const { kafka, aProducer } = await aKafkaBench({ topics: { calls: 1 } })
  const producer = await aProducer({ timeoutMs: TIMEOUT_MS })
  await producer.send(record('first', 0))
  kafka.freeze(1)
  await expect(producer.send(record('old', 0))).rejects.toMatchObject({ mayBeWritten: true })
  const seen = kafka.requests.length

  kafka.moveLeader('calls', 0, 2)
  kafka.thaw(1)
  const newer = await sendOn(producer)

  expect(kafka.requests.slice(seen).flatMap(valuesOf)).not.toContain('old')
  expect(valuesIn(kafka, 0)).not.toContain('old')
  expect(valuesIn(kafka, 0)).toEqual(expect.arrayContaining(newer))
})

/** Sends one record after the other for a while, and tells those that were acknowledged. */
async function sendOn(producer: LogProducer): Promise<string[]> {
  const until = Date.now() + SENT_ON_FOR_MS
  const acknowledged: string[] = []
  let number = 0
  await eventually(async () => {
    const value = `new ${++number}`
    // The first ones may still be refused, while the producer finds the new leader.
    const isRefused = await producer.send(record(value, 0)).then(
      () => false,
      () => true,
    )
    if (!isRefused) acknowledged.push(value)
    expect(Date.now()).toBeGreaterThan(until)
  })
  expect(acknowledged).not.toEqual([])
  return acknowledged
}
