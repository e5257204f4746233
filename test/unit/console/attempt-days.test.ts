import { describe, expect, it } from 'vitest'
import { planAttemptDays } from '../../../services/console/attempt-days.ts'
import { attemptDayName, DAY_MS } from '../../../services/shared/postgres/attempt-days.ts'
import { NOON } from '../../support/builders.ts'

const TODAY = Date.parse('2026-05-28T00:00:00Z')
const day = (offset: number) => TODAY + offset * DAY_MS
const partition = (offset: number) => ({
  name: attemptDayName(day(offset)),
  since: day(offset),
  until: day(offset + 1),
})
const first = { name: 'delivery_attempts_first', since: null, until: day(1) }

/** Offsets of the days that are made, from today. */
const made = (partitions: Parameters<typeof planAttemptDays>[2]) =>
  planAttemptDays(NOON, 30, partitions).make.map((start) => (start - TODAY) / DAY_MS)

describe('the plan for the days of attempts', () => {
  it('makes a week ahead, and never a day that has begun', () => {
    expect(made([first])).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect(made([])).toEqual([1, 2, 3, 4, 5, 6, 7])
  })

  it('makes what is missing, a day in the middle included', () => {
    const week = [1, 2, 4, 5, 6].map(partition)

    expect(made([first, ...week])).toEqual([3, 7])
  })

  it('makes nothing that a partition covers', () => {
    expect(made([{ ...first, until: day(5) }])).toEqual([5, 6, 7])
  })

  it.each([
    ['ended exactly 30 days ago', -31, true],
    ['still holds an attempt of 30 days ago', -30, false],
    ['is of today', 0, false],
  ])('with 30 days of retention, of a partition that %s (%i) drops: %s', (_, offset, isDropped) => {
    const { drop } = planAttemptDays(NOON, 30, [partition(offset)])

    expect(drop).toEqual(isDropped ? [attemptDayName(day(offset))] : [])
  })

  it('drops the first partition once all of it is too old', () => {
    const { drop } = planAttemptDays(NOON, 30, [{ ...first, until: day(-30) }])

    expect(drop).toEqual(['delivery_attempts_first'])
  })
})
