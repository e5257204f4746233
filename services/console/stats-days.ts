import { DateTime } from 'luxon'
import type { AttemptCounts, TimeRange } from '../shared/postgres/attempt-queries.ts'

export interface LocalDay extends TimeRange {
  /** `2026-05-28` */
  readonly date: string
}

/**
 * The last days of a zone, oldest first, today included. A day lasts 23 or 25 hours when the clocks
 * change, and begins at one where they are put forward at midnight: each ends where the next one
 * begins, so no attempt is counted twice or not at all.
 */
export function lastDays(now: number, timezone: string, count: number): LocalDay[] {
  const today = DateTime.fromMillis(now, { zone: timezone }).startOf('day')
  return Array.from({ length: count }, (_, index) => {
    const day = today.minus({ days: count - 1 - index }).startOf('day')
    const next = day.plus({ days: 1 }).startOf('day')
    return { date: day.toFormat('yyyy-MM-dd'), since: day.toMillis(), until: next.toMillis() }
  })
}

export interface StatsSummary {
  readonly days: ({ readonly date: string } & AttemptCounts)[]
  readonly delivered: number
  readonly failedAttempts: number
  /** Between 0 and 1; null without attempts. */
  readonly successRate: number | null
}

/** `counts` has one entry for each of the days. */
export function summarize(
  days: readonly LocalDay[],
  counts: readonly AttemptCounts[],
): StatsSummary {
  const delivered = counts.reduce((sum, day) => sum + day.delivered, 0)
  const failedAttempts = counts.reduce((sum, day) => sum + day.failedAttempts, 0)
  const attempts = delivered + failedAttempts
  return {
    days: counts.map((counted, index) => ({ date: days[index]?.date ?? '', ...counted })),
    delivered,
    failedAttempts,
    successRate: attempts === 0 ? null : delivered / attempts,
  }
}
