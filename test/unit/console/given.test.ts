import { describe, expect, it } from 'vitest'
import {
  cursorDate,
  cursorNumber,
  cursorTime,
  givenId,
  givenInstant,
  givenText,
  givenWorkspaceId,
} from '../../../services/console/given.ts'

describe('a time that is given', () => {
  it.each([
    ['0001-01-01T00:00:00Z', '1970-01-01T00:00:00.000Z'],
    ['1969-12-31T23:59:59.999Z', '1970-01-01T00:00:00.000Z'],
    ['1970-01-01T00:00:00.001Z', '1970-01-01T00:00:00.001Z'],
    ['2026-05-26T10:00:00.123456Z', '2026-05-26T10:00:00.123Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
  ])('%s counts as %s', (given, taken) => {
    expect(givenInstant.parse(given)).toBe(taken)
  })

  it.each([
    '0000-01-01T00:00:00Z',
    '10000-01-01T00:00:00Z',
    '-0001-01-01T00:00:00Z',
    '2026-02-30T00:00:00Z',
    '2026-05-26',
    '',
  ])('is refused: "%s"', (given) => {
    expect(givenInstant.safeParse(given).success).toBe(false)
  })
})

describe('a text that is given', () => {
  it('has no white space around it, and may be in any script', () => {
    expect(givenText(200).parse(' ТОВ «Їжак» 🦔\n')).toBe('ТОВ «Їжак» 🦔')
  })

  it.each(['\0', 'a\0b', 'a\nb', 'a\u001bb', '\ud800', 'a\udc00', '\u0085x'])(
    'is refused with what no database or terminal should get: %j',
    (given) => {
      expect(givenText(200).safeParse(given).success).toBe(false)
      expect(givenId.safeParse(`${given}x`).success).toBe(false)
      expect(givenWorkspaceId.safeParse(given).success).toBe(false)
    },
  )

  it('is refused when it is empty or too long', () => {
    expect(givenText(3).safeParse('   ').success).toBe(false)
    expect(givenText(3).safeParse('abcd').success).toBe(false)
    expect(givenId.safeParse('x'.repeat(101)).success).toBe(false)
  })
})

describe('a number in a cursor', () => {
  it.each([-1, 0.5, 1e300, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY, '7', null])(
    'is refused: %s',
    (given) => {
      expect(cursorNumber.safeParse(given).success).toBe(false)
      expect(cursorTime.safeParse(given).success).toBe(false)
      expect(cursorDate.safeParse(given).success).toBe(false)
    },
  )

  it('is a whole one in range', () => {
    expect(cursorNumber.parse(2 ** 53 - 1)).toBe(2 ** 53 - 1)
    expect(cursorTime.safeParse(8.64e15).success).toBe(false)
    expect(cursorDate.parse('2026-05-26T10:00:00.123Z')).toEqual(
      new Date('2026-05-26T10:00:00.123Z'),
    )
  })
})
