import { describe, expect, it } from 'vitest'
import {
  type AttemptQuery,
  filtersOf,
  isFiltered,
  matches,
  queryOf,
  searchOfTime,
} from '../../../../services/console/web/src/screens/deliveries/attempt-filters.ts'
import { anAttempt } from './an-attempt.ts'

const NOW = Date.parse('2026-05-28T12:00:00.000Z')

function queryFrom(search: string): AttemptQuery {
  return queryOf(filtersOf(new URLSearchParams(search)), NOW)
}

describe('filters of the deliveries', () => {
  it.each<[string, AttemptQuery]>([
    ['', {}],
    ['outcome=retrying', { outcome: 'retrying' }],
    ['outcome=retrying&class=timeout', { outcome: 'retrying', errorClass: 'timeout' }],
    ['event=%20evt_1%20', { eventId: 'evt_1' }],
    ['last=1h', { since: '2026-05-28T11:00:00.000Z' }],
    ['last=7d', { since: '2026-05-21T12:00:00.000Z' }],
    ['since=2026-05-01T00:00:00Z', { since: '2026-05-01T00:00:00.000Z' }],
    ['until=2026-05-01T00:00:00Z', { until: '2026-05-01T00:00:00.000Z' }],
    ['last=24h&since=2026-05-01T00:00:00Z', { since: '2026-05-27T12:00:00.000Z' }],
  ])('asks the API for %j as it stands in the address', (search, query) => {
    expect(queryFrom(search)).toEqual(query)
  })

  it('takes what is mistyped in an address for not asked', () => {
    const filters = filtersOf(new URLSearchParams('outcome=lost&class=evil&last=9y&since=soon'))

    expect(queryOf(filters, NOW)).toEqual({})
    expect(isFiltered(filters)).toBe(false)
  })

  it('writes a range of time so that it reads the same', () => {
    const changes = searchOfTime({
      kind: 'between',
      since: '2026-05-01T00:00:00.000Z',
      until: null,
    })

    expect(changes).toEqual({ last: null, since: '2026-05-01T00:00:00.000Z', until: null })
  })

  it.each<[boolean, string, string]>([
    [true, 'without filters', ''],
    [true, 'with its own outcome', 'outcome=delivered'],
    [false, 'with another outcome', 'outcome=suspended'],
    [false, 'with an error class, being delivered', 'class=timeout'],
    [true, 'with its event', 'event=evt_1'],
    [false, 'with another event', 'event=evt_2'],
    [true, 'within the last hour', 'last=1h'],
    [false, 'before the range', 'since=2026-05-28T12:00:01Z'],
    [true, 'at the first instant of the range', 'since=2026-05-28T12:00:00Z'],
    [false, 'at the end of the range', 'until=2026-05-28T12:00:00Z'],
  ])('answers %s for a new attempt %s', (isWanted, _what, search) => {
    expect(matches(anAttempt(), queryFrom(search))).toBe(isWanted)
  })
})
