import { describe, expect, it } from 'vitest'
import { failed, INTERRUPTED, minutes, NOON, seconds } from '../../../support/builders.ts'
import { aDispatcher, TOPICS } from '../../../support/workbench.ts'

describe('order within a workspace', () => {
  it('has one request open at a time', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })

    await bench.read('kyiv/1', 'kyiv/2', 'kyiv/3')

    expect(endpoint.open).toEqual(['kyiv/1'])
    await bench.answer('kyiv/1')
    expect(endpoint.open).toEqual(['kyiv/2'])
  })

  it('holds the second event while the first is in retry', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1', 'kyiv/2')

    await bench.answer('kyiv/1', failed())
    await bench.pass(seconds(4))
    expect(endpoint.open).toEqual([])
    await bench.pass(seconds(1))
    expect(endpoint.open).toEqual(['kyiv/1'])
    await bench.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/1', 'kyiv/1', 'kyiv/2'])
    expect(endpoint.requests.map(({ attempt }) => attempt)).toEqual([1, 2, 1])
  })

  it('waits longer after each failure, and as long as the endpoint asks', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1')

    await bench.answer('kyiv/1', failed())
    await bench.pass(seconds(5))
    await bench.answer('kyiv/1', failed({ status: 429, retryAfterMs: minutes(1) }))
    await bench.pass(seconds(30))
    expect(endpoint.open).toEqual([])
    await bench.pass(seconds(30))

    expect(endpoint.open).toEqual(['kyiv/1'])
    expect(bench.metrics.tiers).toEqual(['5s', '30s'])
  })

  it('spends no attempt on a request that we ended ourselves', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1')

    await bench.answer('kyiv/1', INTERRUPTED)
    await bench.answer('kyiv/1')

    expect(endpoint.requests.map(({ attempt }) => attempt)).toEqual([1, 1])
    expect(await bench.writtenAttempts()).toEqual(['kyiv #1 delivered'])
  })
})

describe('workspaces beside each other', () => {
  it('are not delayed by one that hangs', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv', 'lviv'] })
    await bench.read('kyiv/1', 'kyiv/2', 'lviv/1', 'lviv/2', 'lviv/3')

    for (const name of ['lviv/1', 'lviv/2', 'lviv/3']) await bench.answer(name)

    expect(endpoint.open).toEqual(['kyiv/1'])
    expect(endpoint.sent).toEqual(['kyiv/1', 'lviv/1', 'lviv/2', 'lviv/3'])
  })

  it('are not delayed by one that fails, and its offset is covered by its lane record', async () => {
    const { bench } = await aDispatcher({ connected: ['kyiv', 'lviv'] })
    await bench.read('kyiv/1', 'lviv/1', 'lviv/2')

    await bench.answer('kyiv/1', failed())
    await bench.answerAll()

    expect(await bench.committed()).toMatchObject({ offset: 3, settledBeyond: [] })
  })

  it('take turns where places are scarce', async () => {
    const { bench, endpoint } = await aDispatcher({
      connected: ['kyiv', 'lviv', 'odesa'],
      inFlightMax: 1,
    })
    await bench.read('kyiv/1', 'kyiv/2', 'kyiv/3', 'lviv/1', 'odesa/1')

    await bench.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/1', 'lviv/1', 'odesa/1', 'kyiv/2', 'kyiv/3'])
  })

  it('share the places in flight across partitions', async () => {
    const { bench, endpoint } = await aDispatcher({
      connected: ['kyiv', 'lviv'],
      inFlightMax: 1,
      partitions: 2,
    })
    await bench.assign(1)

    bench.append('lviv/1', 1)
    await bench.read('kyiv/1')
    expect(endpoint.open).toEqual(['kyiv/1'])
    await bench.answer('kyiv/1')

    expect(endpoint.open).toEqual(['lviv/1'])
  })
})

describe('connection of a workspace', () => {
  it('is waited for without spending an attempt', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    bench.customers.isAway = true

    await bench.read('kyiv/1')
    await bench.pass(minutes(10))
    expect(endpoint.sent).toEqual([])
    bench.customers.isAway = false
    await bench.pass(seconds(1))

    expect(endpoint.requests).toMatchObject([{ name: 'kyiv/1', attempt: 1 }])
  })

  it('that does not exist settles its events at once', async () => {
    const { bench, endpoint } = await aDispatcher()

    await bench.read('kyiv/1', 'kyiv/2')

    expect(endpoint.sent).toEqual([])
    expect(await bench.committed()).toMatchObject({ offset: 2 })
    await bench.settle()
    expect([...bench.session.lanes]).toEqual([])
  })

  it('that is taken away gives up what waits for a retry, inside of a gap', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1', 'kyiv/2')
    await bench.answer('kyiv/1', failed())
    await bench.pass(seconds(1))

    await bench.change('kyiv', (customers) => customers.disconnect('kyiv'))

    expect(bench.customers.gaps).toEqual([{ workspaceId: 'kyiv', from: NOON, to: null }])
    await bench.pass(minutes(60))
    expect(endpoint.sent).toEqual(['kyiv/1'])
    expect(await bench.committed()).toMatchObject({ offset: 2 })
  })

  it.each([
    ['delivered', undefined, ['kyiv #1 delivered']],
    ['failed', failed(), ['kyiv #1 retrying']],
  ])('that is taken away under a request lets it end, %s', async (_how, outcome, written) => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1', 'kyiv/2')
    await bench.change('kyiv', (customers) => customers.disconnect('kyiv'))

    await bench.answer('kyiv/1', outcome)
    await bench.pass(seconds(5))

    expect(endpoint.sent).toEqual(['kyiv/1'])
    expect(await bench.committed()).toMatchObject({ offset: 2 })
    expect(await bench.writtenAttempts()).toEqual(written)
  })

  it('that changes gets the next attempt', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1')
    await bench.answer('kyiv/1', failed())

    await bench.change('kyiv', (customers) =>
      customers.connect('kyiv', { origin: 'https://new.example.com' }),
    )
    await bench.pass(seconds(5))

    expect(endpoint.requests.map(({ url }) => url)).toEqual([
      'https://crm.example.com/kyiv',
      'https://new.example.com/kyiv',
    ])
  })

  it('with a "retry now" sends a parked head at once', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1')
    await bench.answer('kyiv/1', failed())
    expect(endpoint.open).toEqual([])

    await bench.change('kyiv', (customers) =>
      customers.connect('kyiv', { retryNowAt: NOON + seconds(1) }),
    )

    expect(endpoint.open).toEqual(['kyiv/1'])
  })

  it.each([-600, 600])(
    'with a "retry now" sends it at once although the clock was set by %i s',
    async (bySeconds) => {
      const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
      if (bySeconds < 0) bench.clock.step(seconds(-bySeconds))
      await bench.read('kyiv/1')
      await bench.answer('kyiv/1', failed())
      bench.clock.step(seconds(bySeconds))

      await bench.change('kyiv', (customers) =>
        customers.connect('kyiv', { retryNowAt: NOON + seconds(1) }),
      )

      expect(endpoint.open).toEqual(['kyiv/1'])
    },
  )

  it.each([-600, 600])(
    'is due when it was planned although the clock is set by %i s',
    async (by) => {
      const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
      await bench.read('kyiv/1')
      await bench.answer('kyiv/1', failed())
      bench.clock.step(seconds(by))

      await bench.pass(seconds(4))
      expect(endpoint.open).toEqual([])
      await bench.pass(seconds(2))
      expect(endpoint.open).toEqual(['kyiv/1'])
    },
  )

  it('that the cache forgot is asked for again', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'], connectionsMax: 1 })
    await bench.read('kyiv/1')
    await bench.answer('kyiv/1', failed())
    bench.engine.connections.want('lviv')
    await bench.settle()
    expect(bench.engine.connections.peek('kyiv')).toBeUndefined()

    await bench.pass(seconds(5))

    expect(endpoint.sent).toEqual(['kyiv/1', 'kyiv/1'])
  })

  it('gets no event from before it was made, give or take the clocks', async () => {
    const { bench, endpoint } = await aDispatcher()
    bench.customers.connect('kyiv', { connectedAt: NOON + seconds(10) })

    bench.append('kyiv/1')
    await bench.clock.pass(seconds(5))
    await bench.read('kyiv/2')
    await bench.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/2'])
    expect(await bench.committed()).toMatchObject({ offset: 2 })
  })
})

/** The clock of the broker, by which events are accepted, against that of Postgres. */
describe('a connection made while the clocks are a minute apart', () => {
  it('gets what came after it, and nothing of before, by where the log ended', async () => {
    const { bench, endpoint } = await aDispatcher()
    bench.append('kyiv/1')
    const connectedAt = NOON + minutes(1)
    bench.customers.connect('kyiv', { connectedAt, connectedOffset: 1 })

    await bench.read('kyiv/2')
    await bench.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/2'])
    expect(bench.customers.gaps).toEqual([])
  })

  it('has a gap for what it did not get, where the end of the log is not known', async () => {
    const { bench, endpoint } = await aDispatcher()
    const connectedAt = NOON + minutes(1)
    bench.customers.connect('kyiv', { connectedAt })

    await bench.read('kyiv/1', 'kyiv/2')
    await bench.answerAll()

    expect(endpoint.sent).toEqual([])
    expect(bench.customers.gaps).toEqual([{ workspaceId: 'kyiv', from: NOON, to: connectedAt }])
    expect(await bench.committed()).toMatchObject({ offset: 2 })
  })
})

describe('nothing is started', () => {
  it('while our place in the group is in doubt', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    bench.consumer.isInLease = false

    await bench.read('kyiv/1')
    await bench.pass(seconds(1))
    expect(endpoint.sent).toEqual([])
    bench.consumer.isInLease = true
    await bench.pass(50)

    expect(endpoint.open).toEqual(['kyiv/1'])
  })

  it('while attempts cannot be written down, and goes on when they can', async () => {
    const { bench, endpoint } = await aDispatcher({
      connected: ['kyiv'],
      attemptsMax: 2,
    })
    await bench.read('kyiv/1', 'kyiv/2', 'kyiv/3')

    await bench.answerAll()
    expect(endpoint.sent).toEqual(['kyiv/1', 'kyiv/2'])
    await bench.attempts.flush()
    await bench.pass(50)

    expect(endpoint.open).toEqual(['kyiv/3'])
  })

  it('for bytes that nobody can decode: they are buried and the lane goes on', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1')
    await bench.answerAll()
    const [whole] = bench.around.broker.log(TOPICS.events, 0)
    const value = whole?.value.subarray(0, 20) ?? Buffer.alloc(0)
    bench.write(TOPICS.events, { key: 'kyiv', value })

    await bench.read('kyiv/2')
    await bench.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/1', 'kyiv/2'])
    expect(bench.deadLetters).toMatchObject([
      { key: 'kyiv', headers: { 'dead-reason': 'undecodable', 'dead-attempts': '0' } },
    ])
    expect(bench.metrics.reasons).toEqual(['undecodable'])
    expect(await bench.committed()).toMatchObject({ offset: 3 })
  })
})

describe('what somebody else has written into the log', () => {
  it.each([
    ['a NUL', 'evt_\0'],
    ['a line break', 'evt_1\r\nx-injected: 1'],
    ['letters that are no header', 'подія'],
    ['no character at all', ''],
    ['no end', 'e'.repeat(256)],
  ])('with an id of the event that has %s is buried, and nobody waits', async (_, eventId) => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv', 'lviv'] })
    bench.append('kyiv/1', 0, { eventId })

    await bench.read('kyiv/2', 'lviv/1')
    await bench.answerAll()

    expect(endpoint.sent.toSorted()).toEqual(['kyiv/2', 'lviv/1'])
    expect(bench.deadLetters).toMatchObject([
      { key: 'kyiv', headers: { 'dead-reason': 'undecodable', 'dead-attempts': '0' } },
    ])
    expect(await bench.writtenAttempts()).toHaveLength(2)
    expect(await bench.committed()).toMatchObject({ offset: 3 })
  })

  it.each([
    ['with a NUL', 'ky\0iv'],
    ['over two lines', 'kyiv\nlviv'],
    ['without end', 'k'.repeat(256)],
    ['that is empty', ''],
  ])('under a key %s is settled, and Postgres is not asked for it', async (_, key) => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    const queries = bench.engine.connections.queries
    bench.append('kyiv/1', 0)
    const [whole] = bench.around.broker.log(TOPICS.events, 0)
    bench.write(TOPICS.events, { key, value: whole?.value ?? Buffer.alloc(0) })

    await bench.read('kyiv/2')
    await bench.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/1', 'kyiv/2'])
    expect(bench.engine.connections.queries).toBe(queries + 1)
    expect(await bench.committed()).toMatchObject({ offset: 3 })
  })
})

describe('a connection whose key is gone', () => {
  it('keeps its own events waiting, in order, until it can be opened', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    bench.customers.lock('lviv')
    await bench.read('lviv/1', 'kyiv/1', 'lviv/2')
    await bench.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/1'])
    expect(await bench.committed()).toMatchObject({ offset: 0 })

    await bench.change('lviv', (customers) => customers.connect('lviv'))
    await bench.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/1', 'lviv/1', 'lviv/2'])
    expect(await bench.committed()).toMatchObject({ offset: 3 })
  })

  it('holds up a retry, and loses nothing', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1')
    await bench.answer('kyiv/1', failed())

    await bench.change('kyiv', (customers) => customers.lock('kyiv'))
    await bench.pass(seconds(60))
    expect(endpoint.open).toEqual([])
    await bench.change('kyiv', (customers) => customers.connect('kyiv'))
    await bench.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/1', 'kyiv/1'])
    expect(bench.deadLetters).toEqual([])
  })
})

describe('what is written down', () => {
  it('is every attempt, with its number and what came of it', async () => {
    const { bench } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1')

    await bench.answer('kyiv/1', failed({ errorClass: 'timeout', status: null }))
    await bench.pass(seconds(5))
    await bench.answer('kyiv/1')

    expect(await bench.writtenAttempts()).toEqual(['kyiv #1 retrying', 'kyiv #2 delivered'])
    expect(bench.around.postgres.attempts[0]).toMatchObject({ errorClass: 'timeout' })
  })

  it('is the time from acceptance to the 2xx, first attempts apart', async () => {
    const { bench } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1', 'kyiv/2')

    await bench.answer('kyiv/1', failed())
    await bench.pass(seconds(5))
    await bench.answerAll()

    expect(bench.metrics.latencies).toEqual([
      { seconds: 5, isFirstAttempt: false },
      { seconds: 5, isFirstAttempt: true },
    ])
  })
})

describe('how long we keep an event waiting', () => {
  it('begins with its acceptance, and its retries are not counted', async () => {
    const { bench } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1')
    await bench.answer('kyiv/1', failed())
    await bench.pass(seconds(5))
    await bench.answer('kyiv/1')

    expect(bench.metrics.waits).toEqual([0])
  })

  it('leaves out what the endpoint had to do before: a dead one is no broken promise of ours', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1', 'kyiv/2')
    await bench.answer('kyiv/1', failed())
    await bench.pass(seconds(5))
    await bench.pass(seconds(4))
    await bench.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/1', 'kyiv/1', 'kyiv/2'])
    expect(bench.metrics.waits).toEqual([0, 0])
  })

  it('counts what stands still on our side', async () => {
    const { bench } = await aDispatcher({ connected: ['kyiv', 'lviv'], inFlightMax: 1 })
    await bench.read('kyiv/1', 'lviv/1')
    await bench.pass(seconds(3))
    await bench.answerAll()

    expect(bench.metrics.waits).toEqual([0, 3])
  })
})
