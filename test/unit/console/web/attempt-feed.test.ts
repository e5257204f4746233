import { describe, expect, it } from 'vitest'
import {
  type AttemptFeed,
  caughtUp,
  firstPage,
  shown,
  withArrived,
  withNextPage,
} from '../../../../services/console/web/src/screens/deliveries/attempt-feed.ts'
import type { Attempt } from '../../../../services/console/web/src/screens/deliveries/attempt-filters.ts'
import { anAttempt } from './an-attempt.ts'

const AT_TOP = { isReadingBelow: false }
const BELOW = { isReadingBelow: true }

/** An attempt of that second; its id says so. */
function at(second: number): Attempt {
  return anAttempt({
    id: `a${second}`,
    at: new Date(Date.parse('2026-05-28T12:00:00Z') + second * 1000).toISOString(),
  })
}

function feedOf(...seconds: number[]): AttemptFeed {
  return firstPage({ items: seconds.map(at), nextCursor: 'older' })
}

const ids = (rows: readonly Attempt[]) => rows.map(({ id }) => id)

describe('feed of attempts', () => {
  it('puts a new attempt on top', () => {
    expect(ids(withArrived(feedOf(2, 1), [at(3)], AT_TOP).rows)).toEqual(['a3', 'a2', 'a1'])
  })

  it('sorts attempts that arrive late or out of order', () => {
    const feed = withArrived(feedOf(6, 4, 1), [at(5), at(7), at(3)], AT_TOP)

    expect(ids(feed.rows)).toEqual(['a7', 'a6', 'a5', 'a4', 'a3', 'a1'])
  })

  it('shows an attempt once that page and stream both bring', () => {
    expect(ids(withArrived(feedOf(3, 2, 1), [at(3), at(2)], AT_TOP).rows)).toEqual([
      'a3',
      'a2',
      'a1',
    ])
  })

  it('holds new attempts back and counts them once while somebody reads below', () => {
    const once = withArrived(feedOf(2, 1), [at(3), at(2)], BELOW)
    const twice = withArrived(once, [at(4), at(3)], BELOW)

    expect(ids(twice.rows)).toEqual(['a2', 'a1'])
    expect(ids(twice.held)).toEqual(['a4', 'a3'])
    expect(ids(shown(twice).rows)).toEqual(['a4', 'a3', 'a2', 'a1'])
    expect(shown(twice).held).toEqual([])
  })

  it('shows what was held as soon as something arrives at the top', () => {
    const held = withArrived(feedOf(1), [at(2)], BELOW)

    expect(ids(withArrived(held, [at(3)], AT_TOP).rows)).toEqual(['a3', 'a2', 'a1'])
  })

  it('appends pages below and remembers where the next begins', () => {
    const feed = withNextPage(feedOf(4, 3), { items: [at(2), at(1)], nextCursor: null })

    expect(ids(feed.rows)).toEqual(['a4', 'a3', 'a2', 'a1'])
    expect(feed.cursor).toBeNull()
  })

  it('closes the hole that an interrupted stream has left', () => {
    const page = { items: [at(5), at(4), at(2)], nextCursor: 'x' }

    const feed = caughtUp(feedOf(2, 1), page, AT_TOP)

    expect(ids(feed.rows)).toEqual(['a5', 'a4', 'a2', 'a1'])
    expect(feed.cursor).toBe('older')
  })

  it('begins anew when more was missed than a page holds', () => {
    const feed = caughtUp(feedOf(2, 1), { items: [at(9), at(8)], nextCursor: 'x' }, BELOW)

    expect(ids(feed.rows)).toEqual(['a9', 'a8'])
    expect(feed.cursor).toBe('x')
  })

  it('takes a short page that shares nothing for all there is', () => {
    const empty = firstPage({ items: [], nextCursor: null })

    expect(ids(caughtUp(empty, { items: [at(1)], nextCursor: null }, AT_TOP).rows)).toEqual(['a1'])
  })
})
