import { expect, it } from 'vitest'
import { failed, seconds } from '../support/builders.ts'
import { aDispatcher, TOPICS } from '../support/workbench.ts'

/*
 * Found by seed 87501: a call was sent a second time, after its followers.
 *
 * Timeline   kyiv/1 ✗ 500, kyiv/1 ✓, kyiv/2 is open
 *            SIGTERM: the lane is about to write down how far it is
 *            the group tells the process that it was thrown out while it had stood still: another
 *            one has delivered on for a while
 *
 * Proves     what is being given up writes and commits nothing any more once the process is expelled.
 */
it('a process that is expelled while it stops writes no lane record', async () => {
  const { bench } = await aDispatcher({ connected: ['kyiv'] })
  await bench.read('kyiv/1', 'kyiv/2', 'kyiv/3')
  await bench.answer('kyiv/1', failed())
  await bench.pass(seconds(5))
  await bench.answer('kyiv/1')
  const records = bench.laneRecords
  const { offset } = bench.around.broker.committed(TOPICS.events, 0)

  const stopped = bench.engine.stop()
  bench.engine.sessions.revoked([], true)
  await bench.settle()
  await stopped

  expect(bench.laneRecords).toEqual(records)
  expect(bench.around.broker.committed(TOPICS.events, 0).offset).toBe(offset)
})
