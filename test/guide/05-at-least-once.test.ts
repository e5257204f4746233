import { describe, expect, it } from 'vitest'
import { aDispatcher } from '../support/workbench.ts'

/*
 * Chapter 5: at least once
 *
 * Between the customer's 200 and our commit lies up to a second. Whoever is killed within it has
 * delivered and not written so down, and the next one sends again: the same event, under the same
 * `webhook-id` and the same `webhook-sequence`, before anything that comes after it.
 *
 *     first    kyiv/1 ✓   kyiv/2 ✓   KILLED before the commit
 *     second                                 kyiv/1 ✓   kyiv/2 ✓   kyiv/3 ✓
 */
describe('after a crash', () => {
  it('an event may come again, the same in every respect', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1')
    await bench.answer('kyiv/1')

    bench.crash()
    const after = await bench.successor()
    await after.answerAll()

    const [first, again] = endpoint.requests
    expect(endpoint.sent).toEqual(['kyiv/1', 'kyiv/1'])
    expect(again).toEqual(first)
  })

  it('what was committed does not come again', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1', 'kyiv/2')
    await bench.answer('kyiv/1')
    await bench.committed()

    bench.crash()
    const after = await bench.successor()
    await after.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/1', 'kyiv/2', 'kyiv/2'])
  })
})
