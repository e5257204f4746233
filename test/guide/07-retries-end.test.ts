import { describe, expect, it } from 'vitest'
import { failed, minutes, seconds, TIERS } from '../support/builders.ts'
import { aDispatcher } from '../support/workbench.ts'

/*
 * Chapter 7: retries end
 *
 * Nine attempts in about eleven hours, and then the event is put into a topic for dead letters, with
 * the reason and its history in the headers, and the lane goes on with the next one.
 *
 *     kyiv/1   ✗ 5s ✗ 30s ✗ 2m ✗ 10m ✗ 30m ✗ 1h ✗ 3h ✗ 6h ✗ ──> dead letter
 *     kyiv/2                                                       [ POST ✓ ]
 */
describe('an event that nobody takes', () => {
  it('is a dead letter after its last attempt, and the next one follows', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1', 'kyiv/2')

    for (const { delayMs } of TIERS) {
      await bench.answer('kyiv/1', failed())
      await bench.pass(delayMs)
    }
    await bench.answer('kyiv/1', failed())
    await bench.pass(seconds(1))

    expect(bench.deadLetters).toMatchObject([
      { key: 'kyiv', headers: { 'dead-attempts': '9', 'dead-reason': 'attempts_exhausted' } },
    ])
    expect(endpoint.open).toEqual(['kyiv/2'])
  })

  it('is one after three attempts when the endpoint refuses this very event', async () => {
    const { bench } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1')
    const refused = failed({ errorClass: 'rejected', status: 422 })

    await bench.answer('kyiv/1', refused)
    await bench.pass(seconds(5))
    await bench.answer('kyiv/1', refused)
    await bench.pass(seconds(30))
    await bench.answer('kyiv/1', refused)

    expect(bench.deadLetters).toMatchObject([{ headers: { 'dead-reason': 'rejected' } }])
  })
})

/*
 * 7.1  An endpoint that is dead
 *
 * If the endpoint is to blame and the very next attempt fails too, the connection is suspended: one
 * dead letter and one gap, however many events come. Nothing is sent until the customer connects again.
 */
describe('an endpoint that fails right after a dead letter', () => {
  it('is suspended, and what follows is in a gap', async () => {
    const { bench, endpoint } = await aDispatcher()
    bench.customers.connect('kyiv', { isOnProbation: true })
    await bench.read('kyiv/1', 'kyiv/2')

    await bench.answer('kyiv/1', failed())
    await bench.pass(minutes(60))

    expect(endpoint.sent).toEqual(['kyiv/1'])
    expect(await bench.writtenAttempts()).toEqual(['kyiv #1 suspended'])
    expect(bench.customers.gaps).toMatchObject([{ workspaceId: 'kyiv', to: null }])
  })
})
