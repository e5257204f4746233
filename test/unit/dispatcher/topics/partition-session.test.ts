import { describe, expect, it } from 'vitest'
import { OffsetTracker } from '../../../../services/dispatcher/lane/offset-tracker.ts'
import { failed, minutes, seconds } from '../../../support/builders.ts'
import { quiescence } from '../../../support/manual-clock.ts'
import { aRunningSession, committed, Workbench } from '../../../support/workbench.ts'

/** `kyiv/1` … `kyiv/<count>`. */
function callsOf(workspaceId: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${workspaceId}/${index + 1}`)
}

describe('partition session that holds', () => {
  it('takes no record and starts no request before it is told to', async () => {
    const bench = await Workbench.open({ connected: ['kyiv'] })
    const session = bench.session()
    const records = bench.log('kyiv/1')

    expect(session.records(records)).toBe(0)
    expect(bench.pauses).toEqual([])

    session.start()

    expect(bench.pauses).toEqual([false])
    expect(session.records(records)).toBe(1)
    expect(bench.endpoint.open).toEqual(['kyiv/1'])
  })
})

describe('queue of a partition', () => {
  it('is bounded: what does not fit is left to be fetched again', async () => {
    const { bench, session } = await aRunningSession({ connected: ['kyiv'], queueMax: 4 })

    const taken = session.records(bench.log(...callsOf('kyiv', 6)))

    expect(taken).toBe(4)
    expect(bench.pauses).toEqual([false, true])
  })

  it('is filled again only when it is half empty, since each pause throws a batch away', async () => {
    const { bench, session, endpoint } = await aRunningSession({ connected: ['kyiv'], queueMax: 4 })
    session.records(bench.log(...callsOf('kyiv', 4)))

    endpoint.answer('kyiv/1')
    expect(bench.pauses).toEqual([false, true])
    endpoint.answer('kyiv/2')

    expect(bench.pauses).toEqual([false, true, false])
  })

  it('ends where one stuck lane would make the commit too long', async () => {
    const { bench, session, endpoint } = await aRunningSession({
      connected: ['kyiv', 'lviv'],
      windowMax: 4,
    })
    session.records(bench.log('kyiv/1', ...callsOf('lviv', 3)))
    endpoint.answer('kyiv/1', failed())
    endpoint.answerAll()

    expect(session.records(bench.log('lviv/4'))).toBe(0)
    expect(bench.pauses).toEqual([false, true])
    await bench.pass(seconds(5))
    endpoint.answer('kyiv/1')

    expect(bench.pauses).toEqual([false, true, false])
  })
})

describe('records that come again', () => {
  it('after a rebalance are recognized, and nothing is sent twice', async () => {
    const { bench, session, endpoint } = await aRunningSession({ connected: ['kyiv', 'lviv'] })
    const records = bench.log('kyiv/1', 'kyiv/2', 'lviv/1')
    session.records(records)
    endpoint.answer('lviv/1')

    expect(session.records(records)).toBe(3)
    endpoint.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/1', 'lviv/1', 'kyiv/2'])
  })

  it('after a restart are sent only where they were not done', async () => {
    const { bench, session, endpoint } = await aRunningSession({
      connected: ['kyiv', 'lviv'],
      tracker: new OffsetTracker(0, [1, 2]),
    })

    session.records(bench.log('kyiv/1', 'lviv/1', 'lviv/2', 'lviv/3'))
    endpoint.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/1', 'lviv/3'])
    expect(committed(session).offset).toBe(4)
  })
})

describe('record that is no event of ours', () => {
  it.each([
    ['no key', (bench: Workbench) => bench.record(bench.log('kyiv/9')[0]?.value ?? null, null)],
    ['no value', (bench: Workbench) => bench.record(null, 'kyiv')],
    [
      'a value in another format',
      (bench: Workbench) => bench.record(Buffer.from('{"a":1}'), 'kyiv'),
    ],
    ['an empty value', (bench: Workbench) => bench.record(Buffer.alloc(0), 'kyiv')],
  ])('is passed over when it has %s', async (_case, make) => {
    const { bench, session, endpoint } = await aRunningSession({ connected: ['kyiv'] })
    const foreign = make(bench)

    session.records([foreign, ...bench.log('kyiv/1')])
    endpoint.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/1'])
    expect(committed(session).offset).toBe(Number(foreign.offset) + 2)
  })
})

describe('schema that is not known yet', () => {
  it('is fetched while the partition waits, and no event is passed over', async () => {
    const { bench, session, endpoint } = await aRunningSession({
      connected: ['kyiv'],
      knowsSchema: false,
    })
    bench.isRegistryAway = true
    const records = bench.log('kyiv/1')

    expect(session.records(records)).toBe(0)
    expect(bench.pauses).toEqual([false, true])
    await bench.pass(minutes(1))
    expect(bench.pauses).toEqual([false, true])
    bench.isRegistryAway = false
    await bench.pass(seconds(1))

    expect(bench.pauses).toEqual([false, true, false])
    expect(session.records(records)).toBe(1)
    expect(endpoint.open).toEqual(['kyiv/1'])
  })
})

describe('partition that is given up', () => {
  it('starts nothing while it drains, and counts what ends meanwhile', async () => {
    const { bench, session, endpoint } = await aRunningSession({ connected: ['kyiv', 'lviv'] })
    session.records(bench.log('kyiv/1', 'kyiv/2', 'lviv/1'))
    endpoint.answer('lviv/1', failed())
    let isDrained = false
    const drained = session.drain().then(() => {
      isDrained = true
    })

    await bench.pass(minutes(1))
    expect(isDrained).toBe(false)
    endpoint.answer('kyiv/1')
    await drained

    expect(endpoint.open).toEqual([])
    expect(endpoint.sent).toEqual(['kyiv/1', 'lviv/1'])
    expect(committed(session, true)).toEqual({ offset: 1, clean: true, settledBeyond: [] })
  })

  it('is drained at once when no request is open', async () => {
    const { session } = await aRunningSession()

    await expect(session.drain()).resolves.toBeUndefined()
  })

  it('takes no record any more', async () => {
    const { bench, session } = await aRunningSession({ connected: ['kyiv'] })
    void session.drain()

    expect(session.records(bench.log('kyiv/1'))).toBe(0)
  })

  it('changes nothing once it is fenced: its open requests are ended and forgotten', async () => {
    const { bench, session, endpoint } = await aRunningSession({ connected: ['kyiv'] })
    session.records(bench.log('kyiv/1', 'kyiv/2'))

    session.fence()
    await bench.pass(minutes(1))

    expect(endpoint.open).toEqual([])
    expect(endpoint.sent).toEqual(['kyiv/1'])
    expect(committed(session)).toMatchObject({ offset: 0, settledBeyond: [] })
    expect(await bench.writtenAttempts()).toEqual([])
  })

  it('frees its places in flight for the other partitions', async () => {
    const { bench, session, endpoint } = await aRunningSession({
      connected: ['kyiv', 'lviv'],
      inFlightMax: 1,
    })
    const other = bench.running({ partition: 1 })
    session.records(bench.log('kyiv/1'))
    other.records(bench.log('lviv/1'))

    session.fence()

    expect(endpoint.open).toEqual(['lviv/1'])
  })

  it('stays fenced when it is drained afterwards', async () => {
    const { session } = await aRunningSession()
    session.fence()

    await session.drain()

    expect(session.phase).toBe('fenced')
  })
})

describe('commit of a session', () => {
  it('is due after a record was read or settled, and again after it failed', async () => {
    const { bench, session, endpoint } = await aRunningSession({ connected: ['kyiv'] })
    expect(session.hasChanged).toBe(false)

    session.records(bench.log('kyiv/1'))
    expect(session.hasChanged).toBe(true)
    session.commit(false)
    expect(session.hasChanged).toBe(false)
    endpoint.answer('kyiv/1')
    expect(session.hasChanged).toBe(true)
    session.commit(false)
    session.commitFailed()

    expect(session.hasChanged).toBe(true)
  })

  it('keeps no lane of a workspace that has nothing to do', async () => {
    const { bench, session, endpoint } = await aRunningSession({ connected: ['kyiv'] })
    session.records(bench.log('kyiv/1'))

    endpoint.answer('kyiv/1')
    await quiescence()

    expect([...session.lanes]).toEqual([])
    expect(session.window).toBe(0)
  })
})
