import { describe, expect, it } from 'vitest'
import {
  aConnection,
  failed,
  INTERRUPTED,
  minutes,
  NOON,
  seconds,
} from '../../../support/builders.ts'
import { quiescence } from '../../../support/manual-clock.ts'
import { aRunningSession, committed } from '../../../support/workbench.ts'

describe('order within a workspace', () => {
  it('has one request open at a time', async () => {
    const { bench, endpoint, session } = await aRunningSession({ connected: ['kyiv'] })

    session.records(bench.log('kyiv/1', 'kyiv/2', 'kyiv/3'))

    expect(endpoint.open).toEqual(['kyiv/1'])
    endpoint.answer('kyiv/1')
    expect(endpoint.open).toEqual(['kyiv/2'])
  })

  it('holds the second event while the first is in retry', async () => {
    const { bench, endpoint, session } = await aRunningSession({ connected: ['kyiv'] })
    session.records(bench.log('kyiv/1', 'kyiv/2'))

    endpoint.answer('kyiv/1', failed())
    await bench.pass(seconds(4))
    expect(endpoint.open).toEqual([])
    await bench.pass(seconds(1))
    expect(endpoint.open).toEqual(['kyiv/1'])
    endpoint.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/1', 'kyiv/1', 'kyiv/2'])
    expect(endpoint.requests.map(({ attempt }) => attempt)).toEqual([1, 2, 1])
  })

  it('waits longer after each failure, and as long as the endpoint asks', async () => {
    const { bench, endpoint, session } = await aRunningSession({ connected: ['kyiv'] })
    session.records(bench.log('kyiv/1'))

    endpoint.answer('kyiv/1', failed())
    await bench.pass(seconds(5))
    endpoint.answer('kyiv/1', failed({ status: 429, retryAfterMs: minutes(1) }))
    await bench.pass(seconds(30))
    expect(endpoint.open).toEqual([])
    await bench.pass(seconds(30))

    expect(endpoint.open).toEqual(['kyiv/1'])
    expect(bench.metrics.tiers).toEqual(['5s', '30s'])
  })

  it('spends no attempt on a request that we ended ourselves', async () => {
    const { bench, endpoint, session } = await aRunningSession({ connected: ['kyiv'] })
    session.records(bench.log('kyiv/1'))

    endpoint.answer('kyiv/1', INTERRUPTED)
    endpoint.answer('kyiv/1')

    expect(endpoint.requests.map(({ attempt }) => attempt)).toEqual([1, 1])
    expect(await bench.writtenAttempts()).toEqual(['kyiv #1 delivered'])
  })
})

describe('workspaces beside each other', () => {
  it('are not delayed by one that hangs', async () => {
    const { bench, endpoint, session } = await aRunningSession({ connected: ['kyiv', 'lviv'] })
    session.records(bench.log('kyiv/1', 'kyiv/2', 'lviv/1', 'lviv/2', 'lviv/3'))

    for (const name of ['lviv/1', 'lviv/2', 'lviv/3']) endpoint.answer(name)

    expect(endpoint.open).toEqual(['kyiv/1'])
    expect(endpoint.sent).toEqual(['kyiv/1', 'lviv/1', 'lviv/2', 'lviv/3'])
  })

  it('are not delayed by one that fails, and their offsets are kept beyond the watermark', async () => {
    const { bench, endpoint, session } = await aRunningSession({ connected: ['kyiv', 'lviv'] })
    session.records(bench.log('kyiv/1', 'lviv/1', 'lviv/2'))

    endpoint.answer('kyiv/1', failed())
    endpoint.answerAll()

    expect(committed(session)).toMatchObject({ offset: 0, settledBeyond: [1, 2] })
  })

  it('take turns where places are scarce', async () => {
    const { bench, endpoint, session } = await aRunningSession({
      connected: ['kyiv', 'lviv', 'odesa'],
      inFlightMax: 1,
    })
    session.records(bench.log('kyiv/1', 'kyiv/2', 'kyiv/3', 'lviv/1', 'odesa/1'))

    endpoint.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/1', 'lviv/1', 'odesa/1', 'kyiv/2', 'kyiv/3'])
  })

  it('share the places in flight across partitions', async () => {
    const { bench, endpoint, session } = await aRunningSession({
      connected: ['kyiv', 'lviv'],
      inFlightMax: 1,
    })
    const other = bench.running({ partition: 1 })

    session.records(bench.log('kyiv/1'))
    other.records(bench.log('lviv/1'))
    expect(endpoint.open).toEqual(['kyiv/1'])
    endpoint.answer('kyiv/1')

    expect(endpoint.open).toEqual(['lviv/1'])
  })
})

describe('connection of a workspace', () => {
  it('is waited for without spending an attempt', async () => {
    const { bench, endpoint, session } = await aRunningSession()
    bench.rows.set('kyiv', aConnection('kyiv'))
    bench.postgres.isAway = true

    session.records(bench.log('kyiv/1'))
    await bench.pass(minutes(10))
    expect(endpoint.sent).toEqual([])
    bench.postgres.isAway = false
    await bench.pass(seconds(1))

    expect(endpoint.requests).toMatchObject([{ name: 'kyiv/1', attempt: 1 }])
  })

  it('that does not exist settles its events at once', async () => {
    const { bench, endpoint, session } = await aRunningSession()

    session.records(bench.log('kyiv/1', 'kyiv/2'))
    await quiescence()

    expect(endpoint.sent).toEqual([])
    expect(committed(session).offset).toBe(2)
    expect([...session.lanes]).toEqual([])
  })

  it('that is taken away settles what waits for a retry, at once', async () => {
    const { bench, endpoint, session } = await aRunningSession({ connected: ['kyiv'] })
    session.records(bench.log('kyiv/1', 'kyiv/2'))
    endpoint.answer('kyiv/1', failed())

    await bench.change('kyiv', null)

    expect(committed(session).offset).toBe(2)
    await bench.pass(minutes(60))
    expect(endpoint.sent).toEqual(['kyiv/1'])
  })

  it.each([
    ['delivered', undefined],
    ['failed', failed()],
  ])(
    'that is taken away under an open request settles the rest once it %s',
    async (_how, outcome) => {
      const { bench, endpoint, session } = await aRunningSession({ connected: ['kyiv'] })
      session.records(bench.log('kyiv/1', 'kyiv/2'))
      await bench.change('kyiv', null)
      expect(committed(session).offset).toBe(0)

      endpoint.answer('kyiv/1', outcome)

      expect(endpoint.sent).toEqual(['kyiv/1'])
      expect(committed(session).offset).toBe(2)
      expect(await bench.writtenAttempts()).toHaveLength(1)
    },
  )

  it('that changes gets the next attempt', async () => {
    const { bench, endpoint, session } = await aRunningSession({ connected: ['kyiv'] })
    session.records(bench.log('kyiv/1'))
    endpoint.answer('kyiv/1', failed())

    await bench.change('kyiv', aConnection('kyiv', { origin: 'https://new.example.com' }))
    await bench.pass(seconds(5))

    expect(endpoint.requests.map(({ url }) => url)).toEqual([
      'https://crm.example.com/kyiv',
      'https://new.example.com/kyiv',
    ])
  })

  it('that the cache forgot is asked for again', async () => {
    const { bench, endpoint, session } = await aRunningSession({
      connected: ['kyiv'],
      connectionsMax: 1,
    })
    session.records(bench.log('kyiv/1'))
    endpoint.answer('kyiv/1', failed())
    bench.connections.want('lviv')
    await quiescence()
    expect(bench.connections.peek('kyiv')).toBeUndefined()

    await bench.pass(seconds(5))
    await quiescence()

    expect(endpoint.sent).toEqual(['kyiv/1', 'kyiv/1'])
  })

  it('gets no event from before it was made, give or take the clocks', async () => {
    const { bench, endpoint, session } = await aRunningSession()
    bench.rows.set('kyiv', aConnection('kyiv', { connectedAt: NOON + seconds(10) }))

    const [historic, ...rest] = bench.log('kyiv/1', 'kyiv/2')
    await bench.pass(seconds(5))
    const inDoubt = rest.map((message) => ({ ...message, timestamp: String(bench.clock.now()) }))
    session.records([...(historic ? [historic] : []), ...inDoubt])
    await quiescence()
    endpoint.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/2'])
    expect(committed(session).offset).toBe(2)
  })
})

describe('nothing is started', () => {
  it('while our place in the group is in doubt', async () => {
    const { bench, endpoint, session } = await aRunningSession({ connected: ['kyiv'] })
    bench.isMember = false

    session.records(bench.log('kyiv/1'))
    await bench.pass(seconds(1))
    expect(endpoint.sent).toEqual([])
    bench.isMember = true
    await bench.pass(50)

    expect(endpoint.open).toEqual(['kyiv/1'])
  })

  it('while attempts cannot be written down, and goes on when they can', async () => {
    const { bench, endpoint, session } = await aRunningSession({
      connected: ['kyiv'],
      attemptsMax: 2,
    })
    session.records(bench.log('kyiv/1', 'kyiv/2', 'kyiv/3'))

    endpoint.answerAll()
    expect(endpoint.sent).toEqual(['kyiv/1', 'kyiv/2'])
    await bench.attempts.flush()
    await bench.pass(50)

    expect(endpoint.open).toEqual(['kyiv/3'])
  })

  it('for bytes that nobody can decode: they are passed over and the lane goes on', async () => {
    const { bench, endpoint, session } = await aRunningSession({ connected: ['kyiv'] })
    const cutOff = bench.log('kyiv/1').map((message) => ({
      ...message,
      value: message.value?.subarray(0, 20) ?? null,
    }))

    session.records([...cutOff, ...bench.log('kyiv/2')])
    endpoint.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/2'])
    expect(committed(session).offset).toBe(2)
  })
})

describe('what is written down', () => {
  it('is every attempt, with its number and what came of it', async () => {
    const { bench, endpoint, session } = await aRunningSession({ connected: ['kyiv'] })
    session.records(bench.log('kyiv/1'))

    endpoint.answer('kyiv/1', failed({ errorClass: 'timeout', status: null }))
    await bench.pass(seconds(5))
    endpoint.answer('kyiv/1')

    expect(await bench.writtenAttempts()).toEqual(['kyiv #1 retrying', 'kyiv #2 delivered'])
    expect(bench.postgres.attempts[0]).toMatchObject({ errorClass: 'timeout' })
  })

  it('is the time from acceptance to the 2xx, first attempts apart', async () => {
    const { bench, endpoint, session } = await aRunningSession({ connected: ['kyiv'] })
    session.records(bench.log('kyiv/1', 'kyiv/2'))

    endpoint.answer('kyiv/1', failed())
    await bench.pass(seconds(5))
    endpoint.answerAll()

    expect(bench.metrics.latencies).toEqual([
      { seconds: 5, isFirstAttempt: false },
      { seconds: 5, isFirstAttempt: true },
    ])
  })
})
