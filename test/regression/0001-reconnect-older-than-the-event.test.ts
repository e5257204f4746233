import { expect, it } from 'vitest'
import { seconds } from '../support/builders.ts'
import { aDispatcher } from '../support/workbench.ts'

/*
 * Found by the simulation: an event accepted right after a reconnect was given up.
 *
 * Set-up     kyiv is disconnected, and the dispatcher's cache says so.
 *
 * Timeline   dispatcher   asked: "no connection"
 *            customer                            connects
 *            provider                                      kyiv/2
 *            dispatcher                                    reads kyiv/2, cache: "no connection"
 *            Postgres                                            notification, a little late
 *
 * Proves     "no connection" gives up only events that were read before it was asked for. The cached
 *            answer was older than the event, so Postgres is asked again.
 */
it('an event accepted right after a reconnect is delivered although the cache says "none"', async () => {
  const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
  await bench.change('kyiv', (customers) => customers.disconnect('kyiv'))
  await bench.read('kyiv/1')
  expect(bench.engine.connections.peek('kyiv')).toMatchObject({ kind: 'none' })

  await bench.committed()
  await bench.pass(seconds(10))
  bench.customers.connect('kyiv', { connectedAt: bench.clock.now() })
  await bench.read('kyiv/2')

  expect(endpoint.open).toEqual(['kyiv/2'])
})
