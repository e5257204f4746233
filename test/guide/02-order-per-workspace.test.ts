import { describe, expect, it } from 'vitest'
import { failed, minutes, seconds } from '../support/builders.ts'
import { aDispatcher } from '../support/workbench.ts'

/*
 * Chapter 2: order per workspace
 *
 * A customer's CRM reads our events like a story: first the call, then its recording, then the
 * order that came of it. A story told out of order is wrong data, and nobody notices it.
 *
 * So each workspace has a *lane*: a queue whose head is sent, alone, until it was delivered. Only
 * then comes the next one. When the head fails, the lane *parks* and everything behind it waits:
 *
 *     time ─────────────────────────────────────────────────────────────>
 *
 *     kyiv/1   [ POST ✗ 500 ]····· 5 s ·····[ POST ✓ 200 ]
 *     kyiv/2         waits   ···············   waits      [ POST ✓ ]
 *     kyiv/3         waits   ···············   waits       waits    [ POST ✓ ]
 *                  └ lane is parked         └ due: the same event, attempt 2
 *
 * The alternative is well known: put what failed into a retry queue and go on. It keeps the others
 * fast, and it is exactly how kyiv/2 overtakes kyiv/1. How a lane can wait without anybody else
 * waiting is chapter 3.
 *
 * Below, a test holds the dispatcher on a table: its real lanes and sessions, and around them a log,
 * a clock and an endpoint that do only what the test says. `kyiv/2` is the second event of the
 * workspace kyiv.
 */

describe('events of one workspace', () => {
  /*
   * 2.1  Never two at once
   *
   * Two open requests are a race on the customer's side, in which the later one may win. So the
   * second one is not even sent.
   */
  it('have one request open at a time', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })

    await bench.read('kyiv/1', 'kyiv/2', 'kyiv/3')
    expect(endpoint.open).toEqual(['kyiv/1'])

    await bench.answer('kyiv/1')
    expect(endpoint.open).toEqual(['kyiv/2'])
  })

  /*
   * 2.2  The story of the picture
   */
  it('wait behind one that failed, and follow it in order', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1', 'kyiv/2', 'kyiv/3')

    await bench.answer('kyiv/1', failed({ status: 500 }))
    await bench.pass(seconds(4))
    expect(endpoint.open).toEqual([])

    await bench.pass(seconds(1))
    expect(endpoint.open).toEqual(['kyiv/1'])

    await bench.answerAll()
    expect(endpoint.sent).toEqual(['kyiv/1', 'kyiv/1', 'kyiv/2', 'kyiv/3'])
  })

  /*
   * 2.3  Numbers that only grow
   *
   * Each request says its place in the story, `webhook-sequence`. It is the position in the log, so
   * it grows with gaps (other workspaces stand in between), and a second attempt has the number of
   * the first. A number that is not higher than the last one is a repeat.
   */
  it('carry a number that grows', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv', 'lviv'] })

    await bench.read('kyiv/1', 'lviv/1', 'kyiv/2')
    await bench.answerAll()

    const ofKyiv = endpoint.requests.filter(({ name }) => name.startsWith('kyiv/'))
    expect(ofKyiv.map(({ sequence }) => sequence)).toEqual([0, 2])
  })
})

/*
 * 2.4  Growing pauses
 *
 * An endpoint that is down is not helped by being asked more often. Each failure makes the pause
 * longer: 5 s, 30 s, 2 min, 10 min, 30 min, 1 h, 3 h, 6 h. An endpoint that asks for a longer one
 * (`Retry-After`, with 429 or 503) gets it, up to an hour.
 */
describe('a head that goes on failing', () => {
  it('is tried again after ever longer pauses', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1')
    const pauses = [seconds(5), seconds(30), minutes(2), minutes(10)]

    for (const pause of pauses) {
      await bench.answer('kyiv/1', failed())
      await bench.pass(pause - 1)
      expect(endpoint.open).toEqual([])
      await bench.pass(1)
    }

    expect(endpoint.requests.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5])
  })
})

/*
 * 2.5  Across a restart
 *
 * Dispatchers come and go: a deployment, a second machine, a crash. Whoever takes over finds the
 * head of a failing lane in its retry topic, with the number of its next attempt, and everything
 * behind it in the log. So a killed process changes neither the order nor the count:
 *
 *     first   kyiv/1 [ ✗ 500 ]  KILLED
 *     second                    ····· kyiv/1 [ ✓ attempt 2 ] kyiv/2 [ ✓ ]
 */
describe('a lane whose dispatcher is killed', () => {
  it('goes on in another one with the same event and the next attempt', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1', 'kyiv/2')
    await bench.answer('kyiv/1', failed())

    bench.crash()
    const after = await bench.successor()
    await after.pass(seconds(5))
    await after.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/1', 'kyiv/1', 'kyiv/2'])
    expect(endpoint.requests.map(({ attempt }) => attempt)).toEqual([1, 2, 1])
  })

  it('repeats nothing that was done beyond it', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv', 'lviv'] })
    await bench.read('kyiv/1', 'lviv/1', 'lviv/2')
    await bench.answer('lviv/1')
    await bench.answer('lviv/2')
    expect(await bench.committed()).toMatchObject({ offset: 0, settledBeyond: [1, 2] })

    bench.crash()
    const after = await bench.successor()
    await after.answerAll()

    expect(endpoint.sent.filter((name) => name.startsWith('lviv'))).toEqual(['lviv/1', 'lviv/2'])
  })
})

/*
 * 2.6  What is not promised
 *
 * Order holds within one workspace. Between two of them there is none, and none is wanted. That an
 * event may come more than once, in its place, is told in the last chapter.
 */
describe('not promised', () => {
  it('any order between workspaces: the later event may be first', async () => {
    const { bench } = await aDispatcher({ connected: ['kyiv', 'lviv'] })
    await bench.read('kyiv/1', 'lviv/1')

    await bench.answer('lviv/1')

    expect(await bench.committed()).toMatchObject({ offset: 0, settledBeyond: [1] })
  })
})
