import { describe, expect, it } from 'vitest'
import { failed, NOON, seconds } from '../support/builders.ts'
import { aDispatcher } from '../support/workbench.ts'

/*
 * Chapter 4: nothing is lost
 *
 * An accepted event ends in one of three ways, and each of them leaves a trace:
 *
 *                      ┌── delivered         the customer said 2xx
 *     accepted event ──┼── dead-lettered     given up after the last attempt, kept in a topic of its own
 *                      └── inside of a gap   the workspace was disconnected; written down, from when to when
 *
 * There is no fourth way, not even kill -9. What makes it so is an order of steps: what stands for an
 * event is durable before the event is let go.
 *
 *     kyiv/1 ✗ ──> lane record written ──> acknowledged ──> only now is kyiv/1 settled
 *                                      ^ killed here: kyiv/1 is read again
 */
describe('an event', () => {
  /*
   * 4.1  Killed at the worst moment
   */
  it('whose dispatcher is killed before anything was committed is sent by the next one', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1', 'kyiv/2')
    expect(endpoint.open).toEqual(['kyiv/1'])

    bench.crash()
    const after = await bench.successor()
    await after.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/1', 'kyiv/1', 'kyiv/2'])
  })

  /*
   * 4.2  While the broker is away
   *
   * A failed event that cannot be written down is not let go. The lane waits for the broker.
   */
  it('is not let go while what stands for it cannot be written', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1')
    bench.isBrokerAway = true

    await bench.answer('kyiv/1', failed())
    await bench.pass(seconds(20))
    expect(await bench.committed()).toMatchObject({ offset: 0 })
    bench.isBrokerAway = false
    await bench.pass(seconds(1))

    expect(await bench.committed()).toMatchObject({ offset: 1 })
    expect(endpoint.sent.at(-1)).toBe('kyiv/1')
  })

  /*
   * 4.3  A gap begins with the first event that was not delivered
   *
   *     kyiv/1 ✗ ······ waits for its retry ······ disconnected
   *     |<────────────────── the gap ─────────────────────────>
   */
  it('that waits while the customer disconnects is inside of the recorded gap', async () => {
    const { bench } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1')
    await bench.answer('kyiv/1', failed())
    await bench.pass(seconds(2))

    await bench.change('kyiv', (customers) => customers.disconnect('kyiv'))

    expect(bench.customers.gaps).toEqual([{ workspaceId: 'kyiv', from: NOON, to: null }])
  })
})
