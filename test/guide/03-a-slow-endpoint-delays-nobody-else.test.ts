import { describe, expect, it } from 'vitest'
import { aConnection, failed, minutes, seconds } from '../support/builders.ts'
import { quiescence } from '../support/manual-clock.ts'
import { aRunningSession, committed } from '../support/workbench.ts'

/*
 * Chapter 3: a slow endpoint delays nobody else
 *
 * Thousands of workspaces share a dozen partitions, so kyiv, lviv and odesa stand in one row of the
 * log. Chapter 2 said that kyiv waits behind its failed event. If the row itself waited, lviv and
 * odesa would wait with it, for hours, for somebody else's server.
 *
 * The row does not wait. The dispatcher reads on and sorts what it reads into lanes; a lane that
 * cannot go on is put aside, and the turn passes to the next one:
 *
 *     the log       kyiv/1  lviv/1  kyiv/2  odesa/1  lviv/2
 *
 *     lane kyiv     [ hangs …………………………………………………… ✗ timeout ]   parked, tried again later
 *     lane lviv         [ ✓ ] [ ✓ ]
 *     lane odesa            [ ✓ ]
 *                   ──────────────────────────────────────────> time
 *
 * Three things could still let one customer hold up the others: the places in flight, the memory,
 * and the bookkeeping. Each has a limit and a rule, and each has its section below.
 */

describe('beside a workspace whose endpoint hangs', () => {
  /*
   * 3.1  The story of the picture
   */
  it('the others get all their events', async () => {
    const { bench, session, endpoint } = await aRunningSession({
      connected: ['kyiv', 'lviv', 'odesa'],
    })
    session.records(bench.log('kyiv/1', 'lviv/1', 'kyiv/2', 'odesa/1', 'lviv/2'))

    for (const name of ['lviv/1', 'odesa/1', 'lviv/2']) endpoint.answer(name)

    expect(endpoint.open).toEqual(['kyiv/1'])
  })

  /*
   * 3.2  A parked lane costs nothing
   *
   * While it waits for its next attempt a lane holds no place in flight and no timer, only a note of
   * when it is due. Ten thousand of them are ten thousand notes.
   */
  it('the places in flight are free while it waits for its next attempt', async () => {
    const { bench, session, endpoint } = await aRunningSession({
      connected: ['kyiv', 'lviv'],
      inFlightMax: 1,
    })
    session.records(bench.log('kyiv/1', 'lviv/1', 'lviv/2'))

    endpoint.answer('kyiv/1', failed({ errorClass: 'timeout', status: null }))
    endpoint.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/1', 'lviv/1', 'lviv/2'])
    expect(bench.scheduler.inFlight).toBe(0)
  })
})

/*
 * 3.3  Taking turns
 *
 * A back-office import makes a thousand calls in a minute, and its endpoint is healthy and fast.
 * Without a rule the thousand would be served before the one event of the neighbour. With turns,
 * each request is one turn and a lane that has more goes to the end of the queue:
 *
 *     kyiv has 1,000   kyiv/1   lviv/1   kyiv/2   kyiv/3   kyiv/4 …
 *     lviv has 1                 ^ after one request, not after a thousand
 */
describe('beside a workspace with a thousand events', () => {
  it('a single event of another one waits for one request', async () => {
    const { bench, session, endpoint } = await aRunningSession({
      connected: ['kyiv', 'lviv'],
      inFlightMax: 1,
      queueMax: 2_000,
      windowMax: 2_000,
    })
    const thousand = Array.from({ length: 1_000 }, (_, index) => `kyiv/${index + 1}`)

    session.records(bench.log(...thousand, 'lviv/1'))
    endpoint.answerAll()

    expect(endpoint.sent.indexOf('lviv/1')).toBe(1)
  })
})

/*
 * 3.4  Workspaces that want nothing
 *
 * Most workspaces have no connection at all. Their events are read, since they stand in the same
 * row, and done with at once: no request, no memory, and nobody is waited for. Whoever connects
 * later gets what happens from then on; what happened before is not poured over them.
 */
describe('events of a workspace', () => {
  it('that is not connected are done at once', async () => {
    const { bench, session, endpoint } = await aRunningSession({ connected: ['lviv'] })

    session.records(bench.log('kyiv/1', 'lviv/1', 'kyiv/2'))
    await quiescence()
    endpoint.answerAll()

    expect(endpoint.sent).toEqual(['lviv/1'])
    expect(committed(session).offset).toBe(3)
  })

  it('that were there before it connected are not sent', async () => {
    const { bench, session, endpoint } = await aRunningSession()
    const old = bench.log('kyiv/1')
    await bench.pass(minutes(1))
    bench.rows.set('kyiv', aConnection('kyiv', { connectedAt: bench.clock.now() }))

    session.records([...old, ...bench.log('kyiv/2')])
    await quiescence()
    endpoint.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/2'])
  })

  it('that disconnects while it is stuck are let go, and hold up nothing any more', async () => {
    const { bench, session, endpoint } = await aRunningSession({ connected: ['kyiv'] })
    session.records(bench.log('kyiv/1', 'kyiv/2'))
    endpoint.answer('kyiv/1', failed())

    await bench.change('kyiv', null)

    expect(committed(session).offset).toBe(2)
  })
})

/*
 * 3.5  What is not promised
 *
 * Reading on has an end. What is read and not done is kept in memory, and what is done beyond the
 * first one that is not has to fit into the bookkeeping (chapter 2.5). At either limit the partition
 * pauses, and there, at last, a stuck neighbour is felt: not after one failed request, but after
 * thousands of events that came behind it.
 *
 *     watermark                                  position
 *        v  kyiv/1, stuck                           v
 *        ·  ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ ✓ | paused: 24,552 events further
 *        └──────────────── window ──────────────────┘
 *
 * Reading goes on as soon as half of it is free again.
 */
describe('not promised', () => {
  it('that a partition reads on for ever behind a lane that is stuck', async () => {
    const { bench, session, endpoint } = await aRunningSession({
      connected: ['kyiv', 'lviv'],
      windowMax: 4,
    })
    session.records(bench.log('kyiv/1', 'lviv/1', 'lviv/2', 'lviv/3'))
    endpoint.answer('kyiv/1', failed())
    endpoint.answerAll()

    expect(session.records(bench.log('lviv/4'))).toBe(0)
    expect(bench.pauses).toEqual([false, true])

    await bench.pass(seconds(5))
    endpoint.answer('kyiv/1')
    expect(bench.pauses).toEqual([false, true, false])
  })
})
