import { describe, expect, it } from 'vitest'
import {
  isNearEnd,
  rowWindow,
} from '../../../../services/console/web/src/screens/deliveries/row-window.ts'

const view = { scrollTop: 0, viewportHeight: 600, rowHeight: 40, count: 100_000 }

describe('window of rows', () => {
  it.each([0, 1, 39, 40, 12_345, 1_999_999, 3_999_400])(
    'covers what is in view at %i pixels with a few rows only',
    (scrollTop) => {
      const { first, end } = rowWindow({ ...view, scrollTop })

      expect(first * 40).toBeLessThanOrEqual(scrollTop)
      expect(end * 40).toBeGreaterThanOrEqual(scrollTop + 600)
      expect(end - first).toBeLessThanOrEqual(60)
    },
  )

  it('draws all rows of a short list', () => {
    expect(rowWindow({ ...view, count: 7 })).toEqual({ first: 0, end: 7 })
  })

  it('draws nothing of an empty list', () => {
    expect(rowWindow({ ...view, count: 0 })).toEqual({ first: 0, end: 0 })
  })

  it('stays within a list that has become shorter than the place it was scrolled to', () => {
    const { first, end } = rowWindow({ ...view, scrollTop: 9_000, count: 20 })

    expect([first < 20, end]).toEqual([true, 20])
  })

  it('keeps still while a row scrolls by', () => {
    expect(rowWindow({ ...view, scrollTop: 4_805 })).toEqual(
      rowWindow({ ...view, scrollTop: 4_835 }),
    )
  })

  it.each([
    [true, 'a list shorter than the view', { ...view, count: 3 }],
    [false, 'the top of a long list', view],
    [true, 'two screens before the end', { ...view, scrollTop: 4_000_000 - 1_800 }],
    [false, 'three screens before the end', { ...view, scrollTop: 4_000_000 - 2_401 }],
  ])('says %s about asking for more at %s', (isNear, _where, at) => {
    expect(isNearEnd(at)).toBe(isNear)
  })
})
