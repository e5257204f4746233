import { describe, expect, it } from 'vitest'
import { caughtUpAt, longestWaitMs } from '../../drill/waits.ts'

/** Accepted and delivered, in seconds. */
type Times = readonly [number, number | null]

describe('the moment from which on no call is late', () => {
  it.each<[string, readonly Times[], number | null]>([
    ['is the repair, if nothing waits then', [[1, 1.1]], 10],
    [
      'is the delivery of the last call that waited',
      [
        [1, 12],
        [2, 15],
      ],
      15,
    ],
    [
      'counts a call that queued up behind those',
      [
        [1, 15],
        [13, 17],
      ],
      17,
    ],
    [
      'does not count one that came later and was in time',
      [
        [1, 15],
        [20, 20.5],
      ],
      15,
    ],
    [
      'does not count a call that was late after all were through',
      [
        [1, 15],
        [60, 65],
      ],
      15,
    ],
    [
      'never comes as long as one waits',
      [
        [1, null],
        [2, 15],
      ],
      null,
    ],
    [
      'does not wait for a call that came just now',
      [
        [1, 15],
        [14.5, null],
      ],
      15,
    ],
  ])('%s', (_what, times, expected) => {
    expect(caughtUpAt(times.map(aCall), 10_000)).toBe(expected === null ? null : expected * 1_000)
  })
})

describe('the longest wait', () => {
  it.each<[string, readonly Times[], number]>([
    [
      'is that of the call that waited longest',
      [
        [1, 2],
        [3, 9],
      ],
      6,
    ],
    ['of a call that still waits has no end but now', [[5, null]], 15],
    ['is nought when no call was accepted in that time', [[30, 90]], 0],
  ])('%s', (_what, times, expected) => {
    const between = { from: 0, to: 20_000, now: 20_000 }

    expect(longestWaitMs(times.map(aCall), between)).toBe(expected * 1_000)
  })
})

function aCall([accepted, delivered]: Times) {
  return {
    acceptedAt: accepted * 1_000,
    deliveredAt: delivered === null ? null : delivered * 1_000,
  }
}
