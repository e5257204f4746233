import { describe, expect, it } from 'vitest'
import { plural } from '../../../../services/console/web/src/i18n/language.ts'

const EVENTS = { one: 'подія', few: 'події', many: 'подій', other: 'події' }

describe('plurals', () => {
  it.each([
    [1, '1 подія'],
    [3, '3 події'],
    [5, '5 подій'],
    [12, '12 подій'],
    [21, '21 подія'],
  ])('of %i are right in Ukrainian', (count, words) => {
    expect(plural('uk', count, EVENTS)).toBe(words)
  })

  it('fall back to the general form', () => {
    expect(plural('en', 0, { one: 'event', other: 'events' })).toBe('0 events')
  })
})
