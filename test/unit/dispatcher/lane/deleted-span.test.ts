import { describe, expect, it } from 'vitest'
import {
  deletedSpan,
  missedWithin,
  wasSettledOnce,
} from '../../../../services/dispatcher/lane/deleted-span.ts'
import type { Replay } from '../../../../services/shared/lane-record.ts'

const NOW = 9_000
const REPLAY: Replay = { id: 'bf_1', mode: 'gaps', until: 5_000, liveFrom: 50, logEnd: null }

describe('span of deleted events', () => {
  it.each([
    ['from the last event to the first that is left', 1_000, 3_000, { from: 1_000, to: 3_000 }],
    ['until now when nothing is left', 1_000, null, { from: 1_000, to: NOW }],
    ['none when nothing fits in between', 3_000, 3_000, null],
    ['none when no event is known', null, 3_000, null],
  ])('is %s', (_what, doneAt, at, expected) => {
    expect(deletedSpan(doneAt, { offset: 40, at }, NOW)).toEqual(expected)
  })

  it.each([
    [false, 'no back-fill', null, 40],
    [true, 'only what a back-fill brings again', REPLAY, 50],
    [false, 'also what was never sent', REPLAY, 51],
    [true, 'a back-fill whose end is not filled in', { ...REPLAY, liveFrom: null }, 51],
  ])('was settled once: %s, %s', (expected, _what, replay, offset) => {
    expect(wasSettledOnce(replay, { offset, at: null })).toBe(expected)
  })

  it('is missed as far as it lies in gaps', () => {
    const gaps = [
      { from: 500, to: 1_000 },
      { from: 900, to: 1_500 },
      { from: 1_600, to: 1_700 },
      { from: 2_800, to: null },
      { from: 3_000, to: 4_000 },
    ]

    const parts = missedWithin({ from: 1_000, to: 3_000 }, { gaps })

    expect(parts).toEqual([
      { from: 1_000, to: 1_500 },
      { from: 1_600, to: 1_700 },
      { from: 2_800, to: 3_000 },
    ])
  })
})
