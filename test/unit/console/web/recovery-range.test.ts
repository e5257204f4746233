import { describe, expect, it } from 'vitest'
import {
  type Backfill,
  progressOf,
  rangeOfGap,
  rangeProblem,
} from '../../../../services/console/web/src/screens/recovery/recovery-range.ts'

const NOW = new Date('2026-05-28T12:00:30.000Z')

describe('range of a back-fill', () => {
  it('covers a gap in whole minutes, rounded outwards', () => {
    const range = rangeOfGap(
      { from: '2026-05-28T10:00:59.999Z', to: '2026-05-28T11:00:00.001Z' },
      NOW,
    )

    expect(range.since.toISOString()).toBe('2026-05-28T10:00:00.000Z')
    expect(range.until.toISOString()).toBe('2026-05-28T11:01:00.000Z')
  })

  it('reaches until now for a gap that is open', () => {
    const { until } = rangeOfGap({ from: '2026-05-28T10:00:00.000Z', to: null }, NOW)

    expect(until.toISOString()).toBe('2026-05-28T12:01:00.000Z')
  })

  it.each([
    [null, '2026-05-28T10:00:00Z', '2026-05-28T11:00:00Z'],
    [null, '2026-05-28T10:00:00Z', '2026-05-28T13:00:00Z'],
    ['incomplete', null, '2026-05-28T11:00:00Z'],
    ['incomplete', '2026-05-28T10:00:00Z', null],
    ['reversed', '2026-05-28T11:00:00Z', '2026-05-28T10:00:00Z'],
    ['reversed', '2026-05-28T11:00:00Z', '2026-05-28T11:00:00Z'],
    ['future', '2026-05-28T13:00:00Z', '2026-05-28T14:00:00Z'],
  ])('says %j about %j to %j', (problem, since, until) => {
    const instant = (text: string | null) => (text === null ? null : new Date(text))

    expect(rangeProblem(instant(since), instant(until), NOW)).toBe(problem)
  })
})

describe('progress of a back-fill', () => {
  it.each<[number | null, Backfill['state'], string | null]>([
    [null, 'queued', null],
    [0, 'running', null],
    [0.25, 'running', '2026-05-28T10:15:00.000Z'],
    [0, 'running', '2026-05-28T09:00:00.000Z'],
    [1, 'running', '2026-05-28T11:30:00.000Z'],
    [1, 'done', '2026-05-28T10:15:00.000Z'],
    [0.5, 'cancelled', '2026-05-28T10:30:00.000Z'],
  ])('is %j when %s at %j', (share, state, position) => {
    const range = { since: '2026-05-28T10:00:00.000Z', until: '2026-05-28T11:00:00.000Z' }

    expect(progressOf({ state, position, ...range })).toBe(share)
  })
})
