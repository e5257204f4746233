import { describe, expect, it } from 'vitest'
import { lastDays, summarize } from '../../../services/console/stats-days.ts'
import { NOON } from '../../support/builders.ts'

const hours = ({ since, until }: { since: number; until: number }) => (until - since) / 3_600_000
const nothing = { delivered: 0, failedAttempts: 0, p50Ms: null, p99Ms: null }

describe('the days of statistics', () => {
  it('begin at midnight of the workspace and end with today', () => {
    const days = lastDays(NOON, 'Europe/Kyiv', 7)

    expect(days.map(({ date }) => date)).toEqual([
      '2026-05-22',
      '2026-05-23',
      '2026-05-24',
      '2026-05-25',
      '2026-05-26',
      '2026-05-27',
      '2026-05-28',
    ])
    expect(new Date(days[6]?.since ?? 0).toISOString()).toBe('2026-05-27T21:00:00.000Z')
  })

  it.each([
    ['spring', 'Europe/Kyiv', '2026-03-30T12:00:00Z', [24, 23, 24]],
    ['autumn', 'Europe/Kyiv', '2026-10-26T12:00:00Z', [24, 25, 24]],
    ['a midnight that does not exist', 'Africa/Cairo', '2026-04-25T12:00:00Z', [24, 23, 24]],
    ['no summer time', 'UTC', '2026-03-30T12:00:00Z', [24, 24, 24]],
  ])('follow each other without a hole or an overlap: %s in %s', (_, zone, now, expected) => {
    const days = lastDays(Date.parse(now), zone, 3)

    expect(days.map(hours)).toEqual(expected)
    expect(days.slice(1).map(({ since }) => since)).toEqual(
      days.slice(0, -1).map(({ until }) => until),
    )
  })

  it('are summed up, and rate nothing where nothing was tried', () => {
    const days = lastDays(NOON, 'UTC', 2)
    const busy = { delivered: 3, failedAttempts: 1, p50Ms: 20, p99Ms: 90 }

    expect(summarize(days, [nothing, busy])).toEqual({
      days: [
        { date: '2026-05-27', ...nothing },
        { date: '2026-05-28', ...busy },
      ],
      delivered: 3,
      failedAttempts: 1,
      successRate: 0.75,
    })
    expect(summarize(days, [nothing, nothing]).successRate).toBeNull()
  })
})
