import { describe, expect, it } from 'vitest'
import { LaneCache } from '../../../../services/dispatcher/lane/lane-cache.ts'
import { event } from '../../../support/lanes.ts'

const LENGTH_MAX = 3

describe('run of a lane in memory', () => {
  it('is not continued behind an event that did not fit', () => {
    const cache = new LaneCache(0)

    const fates = [0, 1, 2].map((offset) => cache.offer(event(offset), 2))

    expect(fates).toEqual(['queued', 'queued', 'missed'])
    expect(cache.offer(event(3), 9)).toBe('missed')
    expect(cache.offer(event(1), 9)).toBe('known')
    expect([cache.wanted, cache.isComplete]).toEqual([2, false])
  })

  it('is filled from the log up to its limit, and what it has already is passed over', () => {
    const cache = new LaneCache(0)
    cache.restart(event(4), 20)

    cache.fill(
      [event(4), event(6), event(8), event(9)],
      { from: 4, upTo: 20, isEnd: true },
      LENGTH_MAX,
    )

    expect(cache.offsets()).toEqual([4, 6, 8])
    expect([cache.wanted, cache.isComplete]).toEqual([9, false])
  })

  it('is complete when the log was read to the main position', () => {
    const cache = new LaneCache(0)
    cache.restart(event(4), 20)

    cache.fill([], { from: 5, upTo: 10, isEnd: false }, LENGTH_MAX)
    expect(cache.isComplete).toBe(false)
    cache.fill([], { from: 4, upTo: 20, isEnd: true }, LENGTH_MAX)

    expect(cache.isComplete).toBe(true)
    expect(() => cache.fill([], { from: 20, upTo: 30, isEnd: true }, LENGTH_MAX)).toThrow(
      'a complete run needs no filling',
    )
  })

  it('keeps only a few events while parked, with bytes of their own', () => {
    const cache = new LaneCache(0)
    const block = Buffer.from([1, 2, 3])
    for (const offset of [0, 1, 2]) {
      cache.offer({ ...event(offset), value: block.subarray(offset, offset + 1) }, 9)
    }

    cache.trim(2)

    expect(cache.offsets()).toEqual([0, 1])
    expect([cache.wanted, cache.isComplete]).toEqual([2, false])
    block.fill(9)
    expect(cache.head?.value).toEqual(Buffer.from([1]))
  })

  it('has no head when it is empty', () => {
    expect(() => new LaneCache(0).shift()).toThrow('an empty run has no head')
  })
})
