import { describe, expect, it } from 'vitest'
import { failed, seconds } from '../support/builders.ts'
import { aDispatcher } from '../support/workbench.ts'

/*
 * Chapter 6: memory is bounded
 *
 * An endpoint is down for a day and its workspace makes a thousand calls meanwhile. They lie in the
 * log, where they were from the beginning. In memory is the head of the lane and a few events behind
 * it; the rest is one number, the place from which to read on.
 *
 *     the log    kyiv/1 ✗  kyiv/2  kyiv/3  …………………………………………… kyiv/1000
 *     memory     kyiv/1    kyiv/2  kyiv/3 |  read on from here, when the time has come
 */
describe('the memory of a lane whose endpoint is down', () => {
  it('does not grow with the events that come in', async () => {
    const { bench, endpoint } = await aDispatcher({
      connected: ['kyiv'],
      limits: { laneQueueMax: 5, parkedMax: 2 },
    })
    await bench.read('kyiv/1')
    await bench.answer('kyiv/1', failed())

    const names = Array.from({ length: 200 }, (_, index) => `kyiv/${index + 2}`)
    await bench.read(...names)
    const lengths = [...bench.session.lanes].map(({ lane }) => lane.length)
    expect(Math.max(...lengths)).toBeLessThanOrEqual(5)
    expect(bench.session.window).toBe(0)

    await bench.pass(seconds(5))
    await bench.answerAll()
    expect(endpoint.sent).toEqual(['kyiv/1', 'kyiv/1', ...names])
  })

  it('is none at all once everything is delivered', async () => {
    const { bench } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1')

    await bench.answer('kyiv/1')

    expect([...bench.session.lanes]).toEqual([])
  })
})
