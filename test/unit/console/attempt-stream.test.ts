import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { openAttemptStream, STREAM_LIFE_MS } from '../../../services/console/attempt-stream.ts'
import { seconds } from '../../support/builders.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { aRecordedAttempt } from '../../support/recorded-attempts.ts'

function setUp() {
  const clock = new ManualClock()
  const { stream, watcher } = openAttemptStream(clock)
  const passes = async (ms: number) => {
    await clock.pass(ms)
    watcher.tick()
  }
  return { stream, watcher, passes }
}

describe('attempt stream', () => {
  it('carries attempts as events whose id resumes the stream', async () => {
    const { stream, watcher } = setUp()

    watcher.take([aRecordedAttempt({ id: 7, eventId: 'evt_7' })])
    watcher.end()

    const [opening, message] = (await text(stream)).split('\n\n')
    expect(opening).toBe('retry: 1000')
    const [event, id, data = ''] = message?.split('\n') ?? []
    expect([event, id]).toEqual(['event: attempt', 'id: 7'])
    expect(JSON.parse(data.replace('data: ', ''))).toMatchObject({ id: '7', eventId: 'evt_7' })
  })

  it('says that it is alive after 15 s of silence, and not before', async () => {
    const { stream, watcher, passes } = setUp()

    for (let second = 0; second < 31; second += 1) await passes(seconds(1))
    watcher.end()

    expect((await text(stream)).match(/^: still here$/gm)).toHaveLength(2)
  })

  it('ends after its time, so that the browser is asked again who it is', async () => {
    const { stream, passes } = setUp()

    await passes(STREAM_LIFE_MS)

    expect(await text(stream)).toBe('retry: 1000\n\n')
  })

  it('cuts off who does not read', () => {
    const { stream, watcher } = setUp()
    const page = Array.from({ length: 200 }, (_, id) => aRecordedAttempt({ id }))

    for (let turn = 0; turn < 50; turn += 1) watcher.take(page)

    expect(stream.destroyed).toBe(true)
    expect(stream.readableLength).toBeLessThan(2 * 1024 * 1024)
  })
})
