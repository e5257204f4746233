import { describe, expect, it } from 'vitest'
import { instantOf, localText } from '../../../../services/console/web/src/local-time.ts'

const KYIV = 'Europe/Kyiv'

describe('local time of the workspace', () => {
  it.each([
    ['in winter', '2026-01-15T12:30:00.000Z', KYIV, '2026-01-15T14:30'],
    ['in summer', '2026-07-15T12:30:00.000Z', KYIV, '2026-07-15T15:30'],
    ['at midnight', '2026-07-14T21:00:00.000Z', KYIV, '2026-07-15T00:00'],
    ['west of Greenwich', '2026-01-01T02:00:00.000Z', 'America/New_York', '2025-12-31T21:00'],
    ['half an hour off', '2026-01-15T12:30:00.000Z', 'Asia/Kolkata', '2026-01-15T18:00'],
    ['just before summer time', '2026-03-29T00:59:00.000Z', KYIV, '2026-03-29T02:59'],
    ['just after it has begun', '2026-03-29T01:00:00.000Z', KYIV, '2026-03-29T04:00'],
    ['after it has ended', '2026-10-25T02:30:00.000Z', KYIV, '2026-10-25T04:30'],
  ])('says the same instant both ways %s', (_when, at, zone, text) => {
    expect(localText(new Date(at), zone)).toBe(text)
    expect(instantOf(text, zone)?.toISOString()).toBe(at)
  })

  it('takes the first turn of an hour that comes twice', () => {
    expect(instantOf('2026-10-25T03:30', KYIV)?.toISOString()).toBe('2026-10-25T00:30:00.000Z')
  })

  it('moves an hour that does not exist behind the change', () => {
    expect(instantOf('2026-03-29T03:30', KYIV)?.toISOString()).toBe('2026-03-29T01:30:00.000Z')
  })

  it.each(['', '2026-01-15', '2026-13-45T00:00', 'now'])('takes %j for no date', (text) => {
    expect(instantOf(text, KYIV)).toBeNull()
  })
})
