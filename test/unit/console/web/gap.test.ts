import { describe, expect, it } from 'vitest'
import { canBeDelivered } from '../../../../services/console/web/src/gap.ts'

describe('what lies in a gap', () => {
  it.each([
    [true, 'disconnected', null],
    [true, 'suspended', null],
    [false, 'suspended', '2026-05-28T12:00:00.000Z'],
    [false, 'deleted', null],
    [true, 'restored', null],
  ] as const)(
    'can still be delivered: %s, when %s and brought at %s',
    (expected, reason, backfilledAt) => {
      expect(canBeDelivered({ reason, backfilledAt })).toBe(expected)
    },
  )
})
