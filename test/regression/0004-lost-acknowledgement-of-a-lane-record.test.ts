import { expect, it } from 'vitest'
import { failed, seconds } from '../support/builders.ts'
import { aDispatcher, TOPICS } from '../support/workbench.ts'

/*
 * Found by the simulation: a lane record whose acknowledgement was lost stood twice, and one of the
 * two was never settled, so the watermark of its topic stood still for ever.
 *
 * Timeline   produce  record v1 ──> written at 0, the answer is lost
 *            produce  record v1 ──> written at 1, acknowledged
 *            read     v1 at 0: a copy
 *            read     v1 at 1: the acknowledged one, which stands for the lane
 *
 * Proves     the first one is settled when it is read, the second one when the lane needs none.
 */
it('a lane record that stands twice holds up its topic no longer than one', async () => {
  const { bench } = await aDispatcher({ connected: ['kyiv'] })
  await bench.read('kyiv/1')
  bench.losesNextAcknowledgement = true

  await bench.answer('kyiv/1', failed())
  await bench.pass(seconds(1))
  expect(bench.laneRecords).toHaveLength(2)
  expect(await bench.committed(TOPICS.retry('5s'))).toMatchObject({ offset: 1, settledBeyond: [] })
  await bench.pass(seconds(5))
  await bench.answer('kyiv/1')

  expect(await bench.committed(TOPICS.retry('5s'))).toMatchObject({ offset: 2 })
})
