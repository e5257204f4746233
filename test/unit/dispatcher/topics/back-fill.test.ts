import { describe, expect, it } from 'vitest'
import { failed, NOON, seconds } from '../../../support/builders.ts'
import { aDispatcher, TOPICS, type Workbench } from '../../../support/workbench.ts'

const CALLED_OFF = { calledOff: new Set(['bf_1']) }

/** A dispatcher whose `kyiv` was disconnected for the events 0, 1 and 2, and is connected again. */
async function afterAGap() {
  const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
  await bench.change('kyiv', (customers) => customers.disconnect('kyiv'))
  await bench.read('kyiv/1', 'kyiv/2', 'kyiv/3')
  // What was given up has to be covered before anything else is sent (R5).
  await bench.committed()
  await bench.pass(seconds(10))
  await connect(bench)
  return { bench, endpoint }
}

async function connect(bench: Workbench, overrides = {}): Promise<void> {
  const connectedAt = bench.clock.now()
  await bench.change('kyiv', (customers) =>
    customers.connect('kyiv', { connectedAt, ...overrides }),
  )
}

/** The console said that the back-fill is cancelled, and Postgres told us. */
async function cancel(bench: Workbench): Promise<void> {
  await connect(bench, { ...CALLED_OFF, connectedAt: NOON + seconds(10) })
}

describe('back-fill', () => {
  it('brings a gap in order, before what comes meanwhile', async () => {
    const { bench, endpoint } = await afterAGap()

    await bench.rewind(0)
    await bench.read('kyiv/4')
    await bench.answerAll()

    expect(endpoint.requests.map(({ name, isReplay }) => [name, isReplay])).toEqual([
      ['kyiv/1', true],
      ['kyiv/2', true],
      ['kyiv/3', true],
      ['kyiv/4', false],
    ])
    expect(bench.ended).toEqual([{ id: 'bf_1', isThrough: true }])
  })

  it('begins although a marker is the last thing in the log', async () => {
    const { bench, endpoint } = await afterAGap()
    bench.mark(TOPICS.events)

    await bench.rewind(0)
    await bench.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/1', 'kyiv/2', 'kyiv/3'])
  })

  it('of a gap that is not read yet begins once it is', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    await bench.change('kyiv', (customers) => customers.disconnect('kyiv'))
    bench.engine.sessions.revoked([0], false)
    await bench.settle()
    for (const name of ['kyiv/1', 'kyiv/2']) bench.append(name)
    await bench.pass(seconds(10))
    await connect(bench)

    await bench.rewind(0)
    await bench.assign(0)
    await bench.pass(seconds(6))
    await bench.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/1', 'kyiv/2'])
  })

  it('waits until its gap has been skipped, be all places taken', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['lviv'], inFlightMax: 1 })
    await bench.read('lviv/1')
    bench.customers.connect('kyiv', { connectedAt: NOON + seconds(10) })
    bench.customers.gaps = [{ workspaceId: 'kyiv', from: NOON, to: NOON + seconds(10) }]
    await bench.read('kyiv/1', 'kyiv/2')
    await bench.pass(seconds(10))

    await bench.rewind(1)
    await bench.pass(50)
    expect(bench.ended).toEqual([])
    await bench.answer('lviv/1')
    await bench.pass(50)
    await bench.answerAll()

    expect(endpoint.sent).toEqual(['lviv/1', 'kyiv/1', 'kyiv/2'])
    expect(bench.ended).toEqual([{ id: 'bf_1', isThrough: true }])
  })

  it('waits for its gap to be skipped, be the connection forgotten meanwhile', async () => {
    const { bench, endpoint } = await aDispatcher({
      connected: ['lviv'],
      inFlightMax: 1,
      connectionsMax: 1,
    })
    await bench.read('lviv/1')
    bench.customers.connect('kyiv', { connectedAt: NOON + seconds(10) })
    bench.customers.gaps = [{ workspaceId: 'kyiv', from: NOON, to: NOON + seconds(10) }]
    await bench.read('kyiv/1', 'kyiv/2')
    await bench.read('odesa/1')
    await bench.pass(seconds(10))

    await bench.rewind(1)
    await bench.pass(50)
    await bench.answerAll()
    await bench.pass(50)
    await bench.answerAll()

    expect(endpoint.sent).toEqual(['lviv/1', 'kyiv/1', 'kyiv/2'])
  })

  it('waits for what of its gap is still to be read from the log', async () => {
    const { bench, endpoint } = await aDispatcher({ limits: { laneQueueMax: 2 } })
    bench.customers.connect('kyiv', { connectedAt: NOON + seconds(10) })
    bench.customers.gaps = [{ workspaceId: 'kyiv', from: NOON, to: NOON + seconds(10) }]
    bench.isBrokerAway = true
    await bench.read('kyiv/1', 'kyiv/2', 'kyiv/3', 'kyiv/4')
    await bench.pass(seconds(10))

    await bench.rewind(2)
    await bench.pass(50)
    expect(bench.ended).toEqual([])
    bench.isBrokerAway = false
    await bench.pass(seconds(2))
    await bench.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/3', 'kyiv/4'])
  })

  it('that its connection ended is not through', async () => {
    const { bench } = await afterAGap()
    await bench.rewind(0)
    await bench.answer('kyiv/1')

    await bench.change('kyiv', (customers) => customers.disconnect('kyiv'))
    await bench.answer('kyiv/2')

    expect(bench.ended).toEqual([{ id: 'bf_1', isThrough: false }])
  })
})

describe('cancelled back-fill', () => {
  it('sends nothing any more, and the live events come at once', async () => {
    const { bench, endpoint } = await afterAGap()
    await bench.rewind(0)
    await bench.read('kyiv/4')

    await cancel(bench)
    await bench.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/1', 'kyiv/4'])
  })

  it('does not keep the live events behind a retry of its own', async () => {
    const { bench, endpoint } = await afterAGap()
    await bench.rewind(0)
    await bench.answer('kyiv/1', failed())
    await bench.read('kyiv/4')
    expect(endpoint.open).toEqual([])

    await cancel(bench)

    expect(endpoint.open).toEqual(['kyiv/4'])
  })

  it('has no retry of the request that was open', async () => {
    const { bench, endpoint } = await afterAGap()
    await bench.rewind(0)
    await bench.read('kyiv/4')

    await cancel(bench)
    await bench.answer('kyiv/1', failed())

    expect(endpoint.open).toEqual(['kyiv/4'])
  })

  it('is found by a process that was not there when it was cancelled', async () => {
    const { bench, endpoint } = await afterAGap()
    await bench.rewind(0)
    await bench.answer('kyiv/1', failed())
    await bench.pass(seconds(5))
    await bench.answer('kyiv/1', failed())
    await bench.read('kyiv/4')
    bench.crash()
    bench.customers.connect('kyiv', { ...CALLED_OFF, connectedAt: NOON + seconds(10) })

    // Long before the retry would be due.
    const next = await bench.successor()
    await next.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/1', 'kyiv/1', 'kyiv/4'])
  })
})

describe('parked head', () => {
  it('hears of "retry now" although a process before has parked it', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1')
    await bench.answer('kyiv/1', failed())
    await bench.pass(seconds(5))
    await bench.answer('kyiv/1', failed())
    bench.crash()
    const next = await bench.successor()
    expect(endpoint.open).toEqual([])

    await next.change('kyiv', (customers) =>
      customers.connect('kyiv', { retryNowAt: next.clock.now() + 1 }),
    )

    expect(endpoint.open).toEqual(['kyiv/1'])
  })

  it('of before a reconnect keeps nobody waiting', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1')
    await bench.answer('kyiv/1', failed())
    await bench.pass(seconds(1))

    // Both within one notification: the end of the old connection was never seen.
    await bench.change('kyiv', (customers) => {
      customers.disconnect('kyiv')
      customers.connect('kyiv', { connectedAt: NOON + seconds(10) })
    })
    await bench.clock.pass(seconds(10))
    await bench.read('kyiv/2')

    expect(endpoint.open).toEqual(['kyiv/2'])
  })
})
