import { expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { aKafkaBench } from '../support/kafka-bench.ts'

/*
 * What customers would have seen: nothing any more, until somebody restarted the process. To kafkajs
 * a TypeError in the code that takes records over is final: it leaves the group and does not come
 * back, and the next member that gets the records leaves, too.
 *
 * Timeline   records a b   taken over? ✗ throws
 *            records a b   ✓ must come again
 *            record  c     ✓
 *
 * Proves     records that were not taken over come again, whatever was thrown, and reading goes on.
 */
it.each([
  new Error('a bug'),
  new TypeError('undefined is not a function'),
  new RangeError('out of range'),
])('records come again when their owner throws: %s', { timeout: 10_000 }, async (error) => {
  const { kafka, aConsumer } = await aKafkaBench({ topics: { calls: 2 } })
  const { owner } = await aConsumer()
  owner.throwsNext = error

  kafka.append('calls', 0, { value: 'a' }, { value: 'b' })
  await eventually(() => expect(owner.taken).toEqual(['calls/0 a', 'calls/0 b']), 4_000)
  kafka.append('calls', 0, { value: 'c' })
  kafka.append('calls', 1, { value: 'd' })
  await eventually(() => expect(owner.taken.length).toBeGreaterThanOrEqual(4), 4_000)

  expect(owner.offered.slice(0, 4)).toEqual(['calls/0 a', 'calls/0 b', 'calls/0 a', 'calls/0 b'])
  expect(owner.taken.slice(0, 2)).toEqual(['calls/0 a', 'calls/0 b'])
  expect(owner.taken.slice(2).sort()).toEqual(['calls/0 c', 'calls/1 d'])
})
