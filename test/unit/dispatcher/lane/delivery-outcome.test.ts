import { describe, expect, it } from 'vitest'
import {
  outcomeOfStatus,
  RETRY_AFTER_MAX_MS,
  retryAfterMs,
} from '../../../../services/dispatcher/lane/delivery-outcome.ts'
import { NOON, seconds } from '../../../support/builders.ts'

const IN_TWO_MINUTES = seconds(120)

describe('outcome of an answer', () => {
  it.each([200, 201, 202, 204, 299])('%i is delivered', (status) => {
    expect(outcomeOfStatus(status, null, NOON)).toEqual({ kind: 'delivered', status })
  })

  it.each([
    ['redirect', [301, 302, 304, 307, 308]],
    ['rejected', [400, 413, 415, 422]],
    ['unauthorized', [401, 403]],
    ['not_found', [404, 410]],
    ['client_error', [402, 405, 406, 409, 418, 451, 499]],
    ['rate_limited', [429]],
    ['server_error', [500, 501, 502, 503, 504, 520, 599]],
    ['server_error', [100, 101, 0, 600, 999]],
  ])('%s: %j', (errorClass, statuses) => {
    for (const status of statuses) {
      expect(outcomeOfStatus(status, null, NOON)).toEqual({
        kind: 'failed',
        errorClass,
        status,
        retryAfterMs: null,
      })
    }
  })

  it.each([
    [429, IN_TWO_MINUTES],
    [503, IN_TWO_MINUTES],
    [500, null],
    [404, null],
    [301, null],
  ])('%i with retry-after asks for a pause of %j', (status, expected) => {
    expect(outcomeOfStatus(status, '120', NOON)).toMatchObject({ retryAfterMs: expected })
  })
})

describe('retry-after', () => {
  it.each([
    ['seconds', '120', IN_TWO_MINUTES],
    ['no pause', '0', 0],
    ['blanks around it', ' 120 ', IN_TWO_MINUTES],
    ['a date (IMF-fixdate)', 'Thu, 28 May 2026 12:02:00 GMT', IN_TWO_MINUTES],
    ['a date (RFC 850)', 'Thursday, 28-May-26 12:02:00 GMT', IN_TWO_MINUTES],
    ['a date (asctime, which is UTC)', 'Thu May 28 12:02:00 2026', IN_TWO_MINUTES],
    ['a date in the past', 'Thu, 28 May 2026 11:00:00 GMT', 0],
    ['a day', '86400', RETRY_AFTER_MAX_MS],
    ['ten thousand years', '99999999999999999999999999', RETRY_AFTER_MAX_MS],
    ['a date in the year 9999', 'Fri, 31 Dec 9999 23:59:59 GMT', RETRY_AFTER_MAX_MS],
  ])('understands %s', (_case, header, expected) => {
    expect(retryAfterMs(header, NOON)).toBe(expected)
  })

  it.each([
    null,
    '',
    'soon',
    '-5',
    '1.5',
    '1e9',
    'NaN',
    'Infinity',
    '120 s',
    'Foo, bar',
    '2026-05-28',
  ])('takes %j for no wish at all', (header) => {
    expect(retryAfterMs(header, NOON)).toBeNull()
  })
})
