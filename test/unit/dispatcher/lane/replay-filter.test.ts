import { describe, expect, it } from 'vitest'
import { isReplayed } from '../../../../services/dispatcher/lane/replay-filter.ts'

const MISSED = {
  gaps: [
    { from: 10, to: 20 },
    { from: 50, to: null },
  ],
  deadLetters: new Set(['dead']),
}

describe('event of a back-fill', () => {
  it.each([
    ['gaps', 'evt', 9, false],
    ['gaps', 'evt', 10, true],
    ['gaps', 'evt', 19, true],
    ['gaps', 'evt', 20, false],
    ['gaps', 'evt', 60, true],
    ['gaps', 'dead', 30, true],
    ['all', 'evt', 30, true],
    ['all', 'evt', 101, false],
    ['gaps', 'dead', 101, false],
  ] as const)('(%s, %s accepted at %i) is sent again: %s', (mode, eventId, acceptedAt, is) => {
    const replay = { id: 'bf', mode, until: 100, liveFrom: null, logEnd: null }

    expect(isReplayed(replay, MISSED, { eventId, acceptedAt })).toBe(is)
  })
})
