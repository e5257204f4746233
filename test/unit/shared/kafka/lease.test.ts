import { expect, it } from 'vitest'
import { eventually } from '../../../support/eventually.ts'
import { aKafkaBench } from '../../../support/kafka-bench.ts'

const SESSION_MS = 3_000
/** So much earlier than its session a member stops trusting its place in the group. */
const MARGIN_MS = 1_000
/** Longer than the tick of any clock, and shorter than a client waits for its answer. */
const ANSWER_TAKES_MS = 500

it('a lease counts from when the heartbeat was sent, however late its answer comes', async () => {
  const { kafka, aConsumer } = await aKafkaBench({ topics: { calls: 1 } })
  const { consumer } = await aConsumer({ sessionTimeoutMs: SESSION_MS })
  const before = consumer.leaseUntil
  const late = kafka.holdAnswers(({ api }) => api === 'Heartbeat')
  await late.held
  const sentAt = Date.now()
  kafka.holdRequests(({ api }) => api === 'Heartbeat')

  await eventually(() => expect(Date.now()).toBeGreaterThan(sentAt + ANSWER_TAKES_MS))
  expect(consumer.leaseUntil).toBe(before)
  late.release()

  await eventually(() => expect(consumer.leaseUntil).toBeGreaterThan(before))
  expect(consumer.leaseUntil).toBeLessThanOrEqual(sentAt + SESSION_MS - MARGIN_MS)
})
