import { describe, expect, it } from 'vitest'
import { failed, minutes, seconds } from '../../../support/builders.ts'
import { aDispatcher, TOPICS } from '../../../support/workbench.ts'

/** `kyiv/1` … `kyiv/<count>`. */
function callsOf(workspaceId: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${workspaceId}/${index + 1}`)
}

describe('queue of a partition', () => {
  it('is bounded, and filled again only when it is half empty', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'], limits: { queueMax: 4 } })
    await bench.read(...callsOf('kyiv', 6))
    expect(bench.pauses).toEqual([false, true])

    await bench.answer('kyiv/1')
    expect(bench.pauses).toEqual([false, true])
    await bench.answer('kyiv/2')
    expect(bench.pauses.slice(0, 3)).toEqual([false, true, false])
    await bench.answerAll()

    expect(endpoint.sent).toEqual(callsOf('kyiv', 6))
  })
})

describe('records that come again', () => {
  it('after a rebalance are recognized, and nothing is sent twice', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv', 'lviv'] })
    await bench.read('kyiv/1', 'kyiv/2', 'lviv/1')
    await bench.answer('lviv/1')

    bench.seek(0)
    await bench.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/1', 'lviv/1', 'kyiv/2'])
  })
})

describe('the end of a transaction at the end of a log', () => {
  it('counts as read: a commit covers it, and the next event is delivered', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1')
    bench.mark(TOPICS.events)
    await bench.answerAll()
    expect(await bench.committed()).toMatchObject({ offset: 2 })

    await bench.read('kyiv/2')
    await bench.answerAll()
    expect(endpoint.sent).toEqual(['kyiv/1', 'kyiv/2'])
  })

  it('keeps no rebuild from ending', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1', 'kyiv/2')
    await bench.answer('kyiv/1', failed())
    for (const topic of [TOPICS.catchUp, TOPICS.retry('5s'), TOPICS.retry('30s')]) bench.mark(topic)
    bench.crash()

    const next = await bench.successor()
    await next.pass(minutes(1))
    await next.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/1', 'kyiv/1', 'kyiv/2'])
  })
})

describe('record that is no event of ours', () => {
  it.each([
    ['a value in another format', Buffer.from('{"a":1}')],
    ['an empty value', Buffer.alloc(0)],
  ])('is passed over when it has %s', async (_case, value) => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    bench.write(TOPICS.events, { key: 'kyiv', value })

    await bench.read('kyiv/1')
    await bench.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/1'])
    expect(await bench.committed()).toMatchObject({ offset: 2 })
  })

  it('is passed over in a retry topic as well', async () => {
    const { bench } = await aDispatcher({ connected: ['kyiv'] })
    bench.write(TOPICS.catchUp, { key: 'kyiv', value: Buffer.from('hello') })

    await bench.settle()

    expect(await bench.committed(TOPICS.catchUp)).toMatchObject({ offset: 1 })
  })
})

describe('schema that is not known yet', () => {
  it('is fetched while the partition waits, and no event is passed over', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'], knowsSchema: false })
    bench.isRegistryAway = true

    await bench.read('kyiv/1')
    expect(bench.pauses).toEqual([false, true])
    await bench.pass(minutes(1))
    expect(endpoint.sent).toEqual([])
    bench.isRegistryAway = false
    await bench.pass(seconds(1))

    expect(bench.pauses).toEqual([false, true, false])
    expect(endpoint.open).toEqual(['kyiv/1'])
  })
})

describe('partition that is given up', () => {
  it('starts nothing while it drains, and counts what ends meanwhile', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv', 'lviv'] })
    const { session } = bench
    await bench.read('kyiv/1', 'kyiv/2', 'lviv/1')
    await bench.answer('lviv/1', failed())

    const drained = session.drain()
    await bench.pass(minutes(1))
    await bench.answer('kyiv/1')
    await drained

    expect(endpoint.open).toEqual([])
    expect(endpoint.sent).toEqual(['kyiv/1', 'lviv/1'])
    expect(await bench.committed()).toMatchObject({ offset: 1 })
  })

  it('writes down how far its off-line lanes are, so that the next owner repeats nothing', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1', 'kyiv/2', 'kyiv/3')
    await bench.answer('kyiv/1', failed())
    await bench.pass(seconds(5))
    await bench.answer('kyiv/1')

    const stopped = bench.engine.stop()
    await bench.answer('kyiv/2')
    await stopped
    const next = await bench.successor()
    await next.answerAll()

    expect(endpoint.sent).toEqual(['kyiv/1', 'kyiv/1', 'kyiv/2', 'kyiv/3'])
  })

  it('leaves its clean marker only behind the last record that is under way', async () => {
    const { bench } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1')
    bench.isBrokerAway = true
    await bench.answer('kyiv/1', failed())

    let isDrained = false
    const drained = bench.session.drain().then(() => {
      isDrained = true
    })
    await bench.pass(seconds(1))
    expect(isDrained).toBe(false)
    bench.isBrokerAway = false
    await bench.pass(seconds(1))
    await drained

    expect(bench.laneRecords).toEqual(['calls.retry.5s kyiv@0'])
  })

  it('takes no record any more, and is drained at once when no request is open', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })

    await bench.session.drain()
    await bench.read('kyiv/1')

    expect(endpoint.sent).toEqual([])
  })

  it('changes nothing once it is fenced: its open requests are ended and forgotten', async () => {
    const { bench, endpoint } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1', 'kyiv/2')

    bench.session.fence()
    await bench.pass(minutes(1))

    expect(endpoint.open).toEqual([])
    expect(endpoint.sent).toEqual(['kyiv/1'])
    expect(await bench.writtenAttempts()).toEqual([])
    await bench.session.drain()
    expect(bench.session.phase).toBe('fenced')
  })
})

describe('lane records of a partition', () => {
  it('are at most one per workspace that is alive: each new one settles the one before', async () => {
    const { bench } = await aDispatcher({ connected: ['kyiv'] })
    await bench.read('kyiv/1')

    await bench.answer('kyiv/1', failed())
    expect(await bench.committed(TOPICS.retry('5s'))).toMatchObject({ offset: 0 })
    await bench.pass(seconds(5))
    await bench.answer('kyiv/1', failed())
    expect(await bench.committed(TOPICS.retry('5s'))).toMatchObject({ offset: 1 })
    await bench.pass(seconds(30))
    await bench.answer('kyiv/1')

    expect(await bench.committed(TOPICS.retry('30s'))).toMatchObject({ offset: 1 })
    expect([...bench.session.lanes]).toEqual([])
  })

  it('write down how far a lane is that catches up, so that a crash repeats little', async () => {
    const { bench } = await aDispatcher({
      connected: ['kyiv'],
      limits: { laneQueueMax: 2, checkpointEvery: 2 },
    })

    await bench.read(...callsOf('kyiv', 6))
    await bench.answerAll()

    expect(bench.laneRecords.slice(0, 2)).toEqual([
      'calls.catch-up kyiv@0',
      'calls.catch-up kyiv@2',
    ])
  })
})
