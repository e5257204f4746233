import { expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { aKafkaBench } from '../support/kafka-bench.ts'

/*
 * What a person saw at 3 am: the command that confirms a restore had done its work, and did not end. For
 * each of two fetches that were the first of a connection, kafkajs opened a socket; one of them it forgot.
 *
 * Timeline   fetch a ─┐ both before there is a connection
 *            fetch b ─┘
 *
 * Proves     what is asked at once shares a socket, so none is left behind when the reader ends.
 */
it('fetches that come at once open one socket', async () => {
  const { kafka, aReader } = await aKafkaBench({ topics: { calls: 2 }, brokers: 1 })
  const reader = aReader('calls')

  await Promise.all([reader.read(0, 0), reader.read(1, 0)])
  await reader.stop()

  await eventually(() => expect(kafka.connections).toBe(0), 2_000)
})
