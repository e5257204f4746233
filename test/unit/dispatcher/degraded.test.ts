import { describe, expect, it } from 'vitest'
import { degradedBy } from '../../../services/dispatcher/degraded.ts'
import { failed, minutes, NOON, seconds } from '../../support/builders.ts'
import { aDispatcher, TOPICS } from '../../support/workbench.ts'

const WELL = { oldestWriteSeconds: 0.2, windowUsedRatio: 0.5 }

describe('/readyz of a dispatcher', () => {
  it('tells of a lane whose record Kafka does not take for a minute, and forgets it once it does', async () => {
    const { bench } = await aDispatcher({ connected: ['kyiv', 'lviv'] })
    await bench.read('kyiv/1', 'lviv/1')
    bench.isBrokerAway = true
    await bench.answer('kyiv/1', failed())

    await bench.pass(seconds(50))
    expect(bench.engine.isReady()).toEqual({ ok: true })
    await bench.pass(seconds(20))
    expect(bench.engine.figures().oldestWriteSeconds).toBe(70)
    expect(bench.engine.isReady()).toEqual({ ok: true, degraded: ['lane_stuck'] })
    bench.isBrokerAway = false
    await bench.pass(seconds(1))

    expect(bench.engine.isReady()).toEqual({ ok: true })
  })

  it('tells of a dead letter that is not durable like of a record', async () => {
    const { bench } = await aDispatcher({ connected: ['kyiv'] })
    bench.write(TOPICS.events, { key: 'kyiv', value: Buffer.from([0, 0, 0, 0, 1, 255]) })
    bench.isBrokerAway = true

    await bench.settle()
    await bench.pass(seconds(61))

    expect(bench.engine.isReady()).toEqual({ ok: true, degraded: ['lane_stuck'] })
  })

  it('tells of a window that one event keeps full', async () => {
    const { bench } = await aDispatcher({ connected: ['kyiv', 'lviv'], limits: { windowMax: 4 } })
    // Its lane cannot go off-line either, which would give way to the others.
    bench.isBrokerAway = true
    await bench.read('kyiv/1', 'lviv/1')
    await bench.answer('lviv/1')
    await bench.read('lviv/2')
    await bench.answer('lviv/2')
    expect(bench.engine.isReady()).toEqual({ ok: true })

    await bench.read('lviv/3')
    await bench.answer('lviv/3')

    expect(bench.engine.figures().windowUsedRatio).toBe(1)
    expect(bench.engine.isReady()).toEqual({ ok: true, degraded: ['window_full'] })
  })

  it('tells for an hour that records were deleted unread', async () => {
    const { bench } = await aDispatcher({ connected: ['kyiv'], limits: { queueMax: 1 } })
    await bench.read('kyiv/1', 'kyiv/2', 'kyiv/3')
    await bench.trim(3)
    await bench.answerAll()

    expect(bench.engine.isReady()).toEqual({ ok: true, degraded: ['log_deleted_unread'] })
    await bench.pass(minutes(61))
    expect(bench.engine.isReady()).toEqual({ ok: true })
  })

  it('names each thing that stands', () => {
    const lostAt = new Map([['went_back', NOON] as const])

    expect(degradedBy(WELL, new Map(), NOON)).toEqual([])
    expect(degradedBy({ oldestWriteSeconds: 61, windowUsedRatio: 1 }, lostAt, NOON + 1)).toEqual([
      'lane_stuck',
      'window_full',
      'log_went_back',
    ])
  })
})
