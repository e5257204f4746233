import { describe, expect, it } from 'vitest'
import { failed, INTERRUPTED, minutes, seconds } from '../support/builders.ts'
import { aDispatcher } from '../support/workbench.ts'

/*
 * Chapter 8: waiting is not failing
 *
 * Nine attempts are for failures of the endpoint. An event that waits behind another, a database that
 * is away, a dispatcher that stops: none of it is the endpoint's doing, and none of it is counted.
 *
 *     kyiv/1   attempt 1 ✗ ····· attempt 2 ✗ ····· attempt 3 ✓
 *     kyiv/2   waits       waits             waits              attempt 1 ✓
 */
describe('an attempt is not spent', () => {
  it('by waiting behind an event that fails', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1', 'kyiv/2')
    await bench.answer('kyiv/1', failed())
    await bench.pass(seconds(5))
    await bench.answerAll()

    expect(endpoint.requests.map(({ name, attempt }) => `${name} #${attempt}`)).toEqual([
      'kyiv/1 #1',
      'kyiv/1 #2',
      'kyiv/2 #1',
    ])
  })

  it('by a request that we broke off ourselves', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1')

    await bench.answer('kyiv/1', INTERRUPTED)

    expect(endpoint.requests.map(({ attempt }) => attempt)).toEqual([1, 1])
  })

  it('while the database is away', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    bench.customers.isAway = true
    await bench.read('kyiv/1')
    await bench.pass(minutes(10))
    bench.customers.isAway = false
    await bench.pass(seconds(1))

    expect(endpoint.requests).toMatchObject([{ name: 'kyiv/1', attempt: 1 }])
  })
})
