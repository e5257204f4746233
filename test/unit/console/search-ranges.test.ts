import { describe, expect, it } from 'vitest'
import { type KnownTimes, searchRanges } from '../../../services/console/search-ranges.ts'
import { minutes, NOON, seconds } from '../../support/builders.ts'

const HOUR = minutes(60)

/** Which of the ranges, in the order in which they are read, holds an event of this log time. */
function rangeOf(known: KnownTimes, acceptedAt: number): number {
  return searchRanges(known).findIndex(
    ({ since, until }) => since <= acceptedAt && acceptedAt < until,
  )
}

describe('where an event is looked for', () => {
  it.each([
    ['right before it was recorded', NOON - 5, 0],
    ['by a broker whose clock is ahead', NOON + seconds(1), 0],
    ['half a minute before it was recorded', NOON - seconds(30), 1],
    ['an hour before', NOON - HOUR, -1],
  ])('published, accepted %s', (_when, acceptedAt, place) => {
    expect(rangeOf({ publishedAt: NOON, triedAt: NOON + HOUR }, acceptedAt)).toBe(place)
  })

  it.each([
    ['at once', NOON - 20, 0],
    ['after a minute behind others', NOON - minutes(1), 1],
    ['after a night', NOON - 9 * HOUR, 2],
    ['before it was accepted, by a clock that is wrong', NOON + minutes(1), -1],
  ])('not recorded, tried %s', (_when, acceptedAt, place) => {
    expect(rangeOf({ publishedAt: null, triedAt: NOON }, acceptedAt)).toBe(place)
  })

  it('reads nothing twice when only the attempt is known', () => {
    const ranges = searchRanges({ publishedAt: null, triedAt: NOON })

    expect(ranges.slice(1).map(({ until }) => until)).toEqual(
      ranges.slice(0, -1).map(({ since }) => since),
    )
  })

  it('is nowhere when nothing is known', () => {
    expect(searchRanges({ publishedAt: null, triedAt: null })).toEqual([])
  })
})
