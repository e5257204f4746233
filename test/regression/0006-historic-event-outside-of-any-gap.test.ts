import { expect, it } from 'vitest'
import { failed, NOON, seconds } from '../support/builders.ts'
import { aDispatcher } from '../support/workbench.ts'

/*
 * Found by the simulation: an event of before a disconnect was skipped as historic, outside of any gap.
 *
 * Timeline   provider     kyiv/1
 *            dispatcher   ✗ 500, parked …………………………………………… due: older than the connection: skipped
 *            customer              disconnects   connects again
 *            recorded gap          |─────────────|              kyiv/1 is not in it
 *
 * Proves     the gap is made to begin with kyiv/1 before it is skipped, so that the customer sees it
 *            as missing and can have it back-filled.
 */
it('a historic event lengthens the gap before it is skipped', async () => {
  const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
  await bench.read('kyiv/1')
  await bench.answer('kyiv/1', failed())

  await bench.clock.pass(seconds(10))
  bench.customers.disconnect('kyiv')
  await bench.clock.pass(seconds(10))
  bench.customers.connect('kyiv', { connectedAt: bench.clock.now() })
  bench.engine.connections.reload('kyiv')
  await bench.pass(seconds(1))

  expect(endpoint.sent).toEqual(['kyiv/1'])
  expect(bench.customers.gaps).toEqual([
    { workspaceId: 'kyiv', from: NOON, to: NOON + seconds(20) },
  ])
})
