import { expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { aKafkaBench } from '../support/kafka-bench.ts'

const AGAIN_WITHIN_MS = 5_000

/*
 * What customers would have seen: after the next restart hours of calls once more. The broker that
 * coordinates the group had given that up in good order. It goes on answering heartbeats, so the
 * member feels well; but it takes no commit any more, and kafkajs asks nobody for the new
 * coordinator.
 *
 * Timeline   coordinator   broker 1 ──> broker 2
 *            heartbeat     ─> broker 1 ✓
 *            commit        ─> broker 1 ✗ NOT_COORDINATOR, for ever
 *
 * Proves     commits get to the new coordinator within seconds, and nobody has to join again for it.
 */
it('commits go on when the coordinator moves', { timeout: 15_000 }, async () => {
  const { kafka, aConsumer } = await aKafkaBench({ topics: { calls: 1 } })
  kafka.moveCoordinator('group', 1)
  const { consumer } = await aConsumer()
  const commit = (offset: number) =>
    consumer.commit([{ topic: 'calls', partition: 0, offset, metadata: `at ${offset}` }])
  await commit(1)

  kafka.moveCoordinator('group', 2, { formerAnswersHeartbeats: true })
  await eventually(() => commit(2), AGAIN_WITHIN_MS)

  expect(kafka.committed('group', 'calls', 0)).toEqual({ offset: 2, metadata: 'at 2' })
  expect(consumer.isMember).toBe(true)
})
