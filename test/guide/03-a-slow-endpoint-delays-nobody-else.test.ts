import { describe, expect, it } from 'vitest'
import { failed, minutes } from '../support/builders.ts'
import { aDispatcher } from '../support/workbench.ts'

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
    const { bench, endpoint } = await aDispatcher({
      connected: ['kyiv', 'lviv', 'odesa'],
    })
    await bench.read('kyiv/1', 'lviv/1', 'kyiv/2', 'odesa/1', 'lviv/2')

    for (const name of ['lviv/1', 'odesa/1', 'lviv/2']) await bench.answer(name)

    expect(endpoint.open).toEqual(['kyiv/1'])
  })

  /*
   * 3.2  A parked lane costs nothing
   *
   * While it waits for its next attempt a lane holds no place in flight and no timer, only a note of
   * when it is due. Ten thousand of them are ten thousand notes.
   */
  it('the places in flight are free while it waits for its next attempt', async () => {
    const { bench, endpoint } = await aDispatcher({
      connected: ['kyiv', 'lviv'],
      inFlightMax: 1,
    })
    await bench.read('kyiv/1', 'lviv/1', 'lviv/2')

    await bench.answer('kyiv/1', failed({ errorClass: 'timeout', status: null }))
    await bench.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/1', 'lviv/1', 'lviv/2'])
    expect(bench.engine.figures()).toMatchObject({ inFlight: 0 })
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
    const { bench, endpoint } = await aDispatcher({
      connected: ['kyiv', 'lviv'],
      inFlightMax: 1,
      limits: { queueMax: 2_000, laneQueueMax: 2_000 },
    })
    const thousand = Array.from({ length: 1_000 }, (_, index) => `kyiv/${index + 1}`)

    await bench.read(...thousand, 'lviv/1')
    await bench.answerAll()

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
    const { bench, endpoint } = await aDispatcher({ connected: ['lviv'] })

    await bench.read('kyiv/1', 'lviv/1', 'kyiv/2')
    await bench.answerAll()

    expect(endpoint.sent).toEqual(['lviv/1'])
    expect((await bench.committed()).offset).toBe(3)
  })

  it('that were there before it connected are not sent', async () => {
    const { bench, endpoint } = await aDispatcher()
    bench.append('kyiv/1')
    await bench.clock.pass(minutes(1))
    bench.customers.connect('kyiv', { connectedAt: bench.clock.now() })

    await bench.read('kyiv/2')
    await bench.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/2'])
  })

  it('that disconnects while it is stuck are let go, and hold up nothing any more', async () => {
    const { bench } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1', 'kyiv/2')
    await bench.answer('kyiv/1', failed())

    await bench.change('kyiv', (customers) => customers.disconnect('kyiv'))

    expect((await bench.committed()).offset).toBe(2)
  })
})

/*
 * 3.5  A lane that is stuck leaves the row
 *
 * The row has two limits. Its memory: a lane whose queue is full is written down as one small record,
 * a *lane record* with the place of its first event, and its followers wait where they lie already, in
 * the log. And its bookkeeping: what is done beyond the first event that is not has to fit into a
 * commit, so a lane that holds the row up too long leaves it in the same way.
 *
 *     the log     kyiv/1  kyiv/2  kyiv/3  kyiv/4  lviv/1
 *     memory      kyiv/1  kyiv/2  | full
 *     catch-up    kyiv@0            stands for kyiv/1, 2, 3, 4: the row has nothing to wait for
 *
 * Its memory does not grow with the outage, and the row reads on.
 */
describe('a lane that is full', () => {
  it('is written down, and later events are read from the log, in order', async () => {
    const { bench, endpoint } = await aDispatcher({
      connected: ['kyiv', 'lviv'],
      limits: { laneQueueMax: 2 },
    })
    await bench.read('kyiv/1', 'kyiv/2', 'kyiv/3', 'kyiv/4', 'lviv/1')

    expect(bench.laneRecords).toEqual(['calls.catch-up kyiv@0'])
    expect(bench.session.window).toBe(1)
    await bench.answerAll()

    const ofKyiv = endpoint.sent.filter((name) => name.startsWith('kyiv'))
    expect(ofKyiv).toEqual(['kyiv/1', 'kyiv/2', 'kyiv/3', 'kyiv/4'])
  })

  it('holds up nothing of the row for as long as its head fails', async () => {
    const { bench } = await aDispatcher({ connected: ['kyiv', 'lviv'] })
    await bench.read('kyiv/1', 'lviv/1', 'kyiv/2')
    await bench.answer('kyiv/1', failed())
    await bench.answerAll()

    expect(await bench.committed()).toMatchObject({ offset: 3, settledBeyond: [] })
  })
})

/*
 * 3.6  What is not promised
 *
 * Isolation is not infinite speed: all lanes of a process share its places in flight. With more
 * hanging endpoints than places, new requests wait for the first timeout, five seconds at most.
 */
describe('not promised', () => {
  it('a place in flight while as many endpoints hang as there are places', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv', 'lviv'], inFlightMax: 1 })
    await bench.read('kyiv/1', 'lviv/1')
    expect(endpoint.open).toEqual(['kyiv/1'])

    await bench.answer('kyiv/1', failed({ errorClass: 'timeout', status: null }))

    expect(endpoint.open).toEqual(['lviv/1'])
  })
})
