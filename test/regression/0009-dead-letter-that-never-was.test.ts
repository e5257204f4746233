import { expect, it } from 'vitest'
import { failed, minutes } from '../support/builders.ts'
import { aDispatcher } from '../support/workbench.ts'

/*
 * Found by seed 5840: the console listed a dead letter, and a back-fill sent it a second time,
 * although the event had been delivered.
 *
 * Timeline   first     kyiv/1 ✗ for the last time; the dead letter cannot be produced   KILLED
 *            second    kyiv/1 once more from its record ✓
 *
 * Proves     an attempt counts as dead-lettered only once the dead letter is durable.
 */
it('no dead letter is recorded before it is durable', async () => {
  const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
  const rejected = failed({ errorClass: 'rejected', status: 422 })
  await bench.read('kyiv/1')
  for (let attempt = 1; attempt < 3; attempt++) {
    await bench.answer('kyiv/1', rejected)
    await bench.pass(minutes(1))
  }
  bench.isBrokerAway = true
  await bench.answer('kyiv/1', rejected)
  const written = await bench.writtenAttempts()
  bench.crash()

  const after = await bench.successor()
  await after.pass(minutes(1))
  await after.answer('kyiv/1')

  expect(written).toEqual(['kyiv #1 retrying', 'kyiv #2 retrying'])
  expect(endpoint.sent).toHaveLength(4)
  expect(await after.writtenAttempts()).toEqual([...written, 'kyiv #3 delivered'])
})
