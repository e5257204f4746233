import { expect, it } from 'vitest'
import { failed, seconds } from '../support/builders.ts'
import { aDispatcher } from '../support/workbench.ts'

/*
 * Found by the guide: a retry that outlived a restart was buried as undecodable, unsent.
 *
 * Set-up     a process learns the schema of an event when the event passes by on the main topic.
 *
 * Timeline   first     kyiv/1 ✗ 500, written to the retry topic    KILLED
 *            second                                                rebuilds kyiv/1 out of its record
 *                                                                  and has not seen any event yet
 *
 * Proves     the schema is asked for when the head is sent, and the lane waits for it.
 */
it('the head of a lane record is sent although its schema was never seen by this process', async () => {
  const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
  await bench.read('kyiv/1')
  await bench.answer('kyiv/1', failed())
  bench.crash()

  const after = await bench.successor()
  await after.pass(seconds(5))

  expect(endpoint.open).toEqual(['kyiv/1'])
  expect(after.deadLetters).toEqual([])
})
