import { expect, it } from 'vitest'
import { seconds } from '../support/builders.ts'
import { aDispatcher } from '../support/workbench.ts'

/*
 * Found by the drill: with the registry away a dispatcher was restarted, and half of the customers got
 * nothing. No alert fired: an event that cannot be taken yet is in no lane, and only lanes were counted.
 *
 * Timeline   registry    AWAY …………………………………………………… back
 *            dispatcher    kyiv/1 read, schema not known, partition stands
 *
 * Proves     what waits for a schema counts among what we keep waiting, and no longer than it does.
 */
it('an event that waits for its schema is one that we are late with', async () => {
  const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'], knowsSchema: false })
  bench.isRegistryAway = true
  await bench.read('kyiv/1')
  await bench.pass(seconds(40))

  const { oldestHealthySeconds, oldestUndeliveredSeconds } = bench.engine.figures()

  expect(oldestHealthySeconds).toBeCloseTo(40, 0)
  expect(oldestUndeliveredSeconds).toBeCloseTo(40, 0)
  bench.isRegistryAway = false
  await bench.pass(seconds(2))
  expect(endpoint.open).toEqual(['kyiv/1'])
  await bench.answer('kyiv/1')
  expect(bench.engine.figures().oldestHealthySeconds).toBe(0)
})
