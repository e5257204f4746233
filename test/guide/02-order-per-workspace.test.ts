import { describe, expect, it } from 'vitest'
import { OffsetTracker } from '../../services/dispatcher/lane/offset-tracker.ts'
import { failed, INTERRUPTED, minutes, seconds } from '../support/builders.ts'
import { aRunningSession, committed } from '../support/workbench.ts'

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
    const { bench, session, endpoint } = await aRunningSession({ connected: ['kyiv'] })

    session.records(bench.log('kyiv/1', 'kyiv/2', 'kyiv/3'))
    expect(endpoint.open).toEqual(['kyiv/1'])

    endpoint.answer('kyiv/1')
    expect(endpoint.open).toEqual(['kyiv/2'])
  })

  /*
   * 2.2  The story of the picture
   */
  it('wait behind one that failed, and follow it in order', async () => {
    const { bench, session, endpoint } = await aRunningSession({ connected: ['kyiv'] })
    session.records(bench.log('kyiv/1', 'kyiv/2', 'kyiv/3'))

    endpoint.answer('kyiv/1', failed({ status: 500 }))
    await bench.pass(seconds(4))
    expect(endpoint.open).toEqual([])

    await bench.pass(seconds(1))
    expect(endpoint.open).toEqual(['kyiv/1'])

    endpoint.answerAll()
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
    const { bench, session, endpoint } = await aRunningSession({ connected: ['kyiv', 'lviv'] })

    session.records(bench.log('kyiv/1', 'lviv/1', 'kyiv/2'))
    endpoint.answerAll()

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
    const { bench, session, endpoint } = await aRunningSession({ connected: ['kyiv'] })
    session.records(bench.log('kyiv/1'))
    const pauses = [seconds(5), seconds(30), minutes(2), minutes(10)]

    for (const pause of pauses) {
      endpoint.answer('kyiv/1', failed())
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
 * Dispatchers come and go: a deployment, a second machine, a crash. Who takes over goes on where the
 * last one stopped; what that is stands in the log's own bookkeeping, next to the position:
 *
 *     offset     0   1   2   3   4   5
 *                ·   ✓   ✓   ·   ✓
 *                ^ watermark: everything below is done      committed: 0, and "1, 2, 4 are done too"
 *
 * The first one that is not done is never passed, so nothing is lost; the done ones beyond it are
 * remembered, so one stuck customer does not make us post everybody else's calls twice.
 */
describe('a dispatcher that takes over', () => {
  it('goes on with the same event, and repeats nothing that was delivered', async () => {
    const names = ['kyiv/1', 'lviv/1', 'lviv/2', 'kyiv/2', 'lviv/3']
    const before = await aRunningSession({ connected: ['kyiv', 'lviv'] })
    before.session.records(before.bench.log(...names))
    before.endpoint.answer('kyiv/1', failed())
    before.endpoint.answerAll()
    const { offset, settledBeyond = [] } = committed(before.session, true)
    expect({ offset, settledBeyond }).toEqual({ offset: 0, settledBeyond: [1, 2, 4] })

    const tracker = new OffsetTracker(offset, settledBeyond)
    const after = await aRunningSession({ connected: ['kyiv', 'lviv'], tracker })
    after.session.records(after.bench.log(...names))
    after.endpoint.answerAll()

    expect(after.endpoint.sent).toEqual(['kyiv/1', 'kyiv/2'])
  })

  it('lets the open requests of the old one end first, and they count', async () => {
    const { bench, session, endpoint } = await aRunningSession({ connected: ['kyiv'] })
    session.records(bench.log('kyiv/1', 'kyiv/2'))

    const drained = session.drain()
    endpoint.answer('kyiv/1')
    await drained

    expect(endpoint.open).toEqual([])
    expect(committed(session, true)).toEqual({ offset: 1, clean: true, settledBeyond: [] })
  })

  it('is charged no attempt for a request that we broke off ourselves', async () => {
    const { bench, session, endpoint } = await aRunningSession({ connected: ['kyiv'] })
    session.records(bench.log('kyiv/1'))

    endpoint.answer('kyiv/1', INTERRUPTED)

    expect(endpoint.requests.map(({ attempt }) => attempt)).toEqual([1, 1])
  })
})

/*
 * 2.6  What is not promised
 *
 * Order holds within one workspace. Between two of them there is none, and none is wanted.
 *
 * And an event may come more than once. When the customer's answer does not reach us (the network
 * broke, we crashed, a partition had to be given up with the request open), we cannot know whether
 * it was taken. We send it again, with the same `webhook-id`, before anything that comes after it:
 *
 *     kyiv/1  [ POST ✓ 200 … the answer is lost ]
 *     kyiv/1                                      [ POST ✓ ]   again, not out of order
 *     kyiv/2                                                [ POST ✓ ]
 */
describe('not promised', () => {
  it('any order between workspaces: the later event may be first', async () => {
    const { bench, session, endpoint } = await aRunningSession({ connected: ['kyiv', 'lviv'] })
    session.records(bench.log('kyiv/1', 'lviv/1'))

    endpoint.answer('kyiv/1', failed())
    endpoint.answer('lviv/1')

    expect(committed(session)).toMatchObject({ offset: 0, settledBeyond: [1] })
  })

  it('exactly one request per event: an answer that is lost means one more, in its place', async () => {
    const { bench, session, endpoint } = await aRunningSession({ connected: ['kyiv'] })
    session.records(bench.log('kyiv/1', 'kyiv/2'))

    endpoint.answer('kyiv/1', failed({ errorClass: 'reset', status: null }))
    await bench.pass(seconds(5))
    endpoint.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/1', 'kyiv/1', 'kyiv/2'])
  })
})
