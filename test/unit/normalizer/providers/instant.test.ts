import { describe, expect, it } from 'vitest'
import {
  epochMs,
  isoInstant,
  wallClockMs,
} from '../../../../services/normalizer/providers/instant.ts'

const KYIV = 'Europe/Kyiv'

function clock(value: string, zone = KYIV): string | null {
  return isoInstant(wallClockMs(value, zone))
}

describe('instants', () => {
  it.each([1728427645, 1728427645000, 1728427645000000])(
    'tells the unit of the epoch %d by its magnitude',
    (value) => {
      expect(isoInstant(epochMs(value))).toBe('2024-10-08T22:47:25Z')
    },
  )

  it('shows milliseconds only where there are some', () => {
    expect(isoInstant(epochMs(1728427645501605))).toBe('2024-10-08T22:47:25.501Z')
  })

  it.each([null, 0, -1, 1, 99_999_999_999, Number.MAX_VALUE])('takes %j for no call', (value) => {
    expect(epochMs(value)).toBeNull()
  })

  it('reads a wall clock in its zone, in summer and in winter', () => {
    expect(clock('2026-07-01 12:00:00')).toBe('2026-07-01T09:00:00Z')
    expect(clock('2026-01-01 12:00:00')).toBe('2026-01-01T10:00:00Z')
    expect(clock('2024-10-08 17:47:25', 'America/Chicago')).toBe('2024-10-08T22:47:25Z')
  })

  it('lets an offset win over the zone', () => {
    expect(clock('2019-06-02T09:13:43+0300', 'America/Chicago')).toBe('2019-06-02T06:13:43Z')
    expect(clock('2026-05-26T14:07:23+02:00')).toBe('2026-05-26T12:07:23Z')
    expect(clock('2026-05-26T14:07:23Z')).toBe('2026-05-26T14:07:23Z')
  })

  it('takes the earlier of the two instants when summer time ends', () => {
    expect(clock('2026-10-25 03:30:00')).toBe('2026-10-25T00:30:00Z')
  })

  it('reads a clock that was skipped when summer time began as if it had not been moved', () => {
    expect(clock('2026-03-29 03:30:00')).toBe('2026-03-29T01:30:00Z')
  })

  it.each(['', 'yesterday', '2026-13-01 00:00:00', '0000-00-00 00:00:00', '1970-01-01 00:00:00'])(
    'answers null for %j',
    (value) => {
      expect(clock(value)).toBeNull()
    },
  )
})
