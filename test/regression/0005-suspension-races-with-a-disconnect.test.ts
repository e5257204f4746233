import { expect, it } from 'vitest'
import { failed, NOON, seconds } from '../support/builders.ts'
import { aDispatcher } from '../support/workbench.ts'

/*
 * Found by the simulation: a suspension raced with a disconnect, and the gap began too late.
 *
 * Set-up     kyiv is on probation: a dead letter is out, and one more failure suspends it.
 *
 * Timeline   dispatcher   kyiv/1 sent …………………… ✗ 500: suspend, gap from kyiv/1 on
 *            customer                disconnects: gap from now on, kyiv/1 lies before it
 *
 * Proves     the suspension is refused, since the connection is not the one any more that was tried;
 *            kyiv/1 is a failure like any other, and the recorded gap is made to begin with it before
 *            it is given up. Nothing is undelivered outside of a gap.
 */
it('the gap of a disconnect is lengthened to the event that was being sent', async () => {
  const { bench, endpoint } = await aDispatcher()
  bench.customers.connect('kyiv', { isOnProbation: true })
  await bench.read('kyiv/1')
  await bench.clock.pass(seconds(2))
  bench.customers.disconnect('kyiv')

  await bench.answer('kyiv/1', failed())
  expect(await bench.writtenAttempts()).toEqual(['kyiv #1 retrying'])
  bench.engine.connections.reload('kyiv')
  await bench.pass(seconds(5))

  expect(bench.customers.gaps).toEqual([{ workspaceId: 'kyiv', from: NOON, to: null }])
  expect(endpoint.sent).toEqual(['kyiv/1'])
  expect(await bench.committed()).toMatchObject({ offset: 1 })
})
