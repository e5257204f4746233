import { DateTime } from 'luxon'
import { seconds } from './wire-value.ts'

/**
 * Instants as providers write them, turned into UTC ISO 8601 with whole seconds where the wire has
 * whole seconds. Every function answers null for what is no usable time.
 */

/** Calls before 2000 or after 2100 are broken clocks, not calls. */
const EARLIEST_MS = Date.UTC(2000, 0, 1)
const LATEST_MS = Date.UTC(2100, 0, 1)

/** Milliseconds since 1970 from an epoch in s (10 digits), ms (13) or µs (16): told by magnitude. */
export function epochMs(value: number | null): number | null {
  if (value === null) return null
  const ms = value < 1e11 ? value * 1000 : value < 1e14 ? value : value / 1000
  return plausible(Math.floor(ms))
}

/**
 * Milliseconds since 1970 from `YYYY-MM-DD HH:MM:SS`, with or without an offset; without one it
 * is a wall clock in `zone`.
 *
 * A wall clock exists twice when summer time ends: the earlier instant is taken. It does not
 * exist when summer time begins: then the clock is read as if it had not been moved yet.
 */
export function wallClockMs(value: string | null, zone: string): number | null {
  if (value === null) return null
  const iso = value.trim().replace(' ', 'T')
  if (/(Z|[+-]\d{2}:?\d{2})$/i.test(iso)) {
    return plausible(DateTime.fromISO(iso, { setZone: true }).toMillis())
  }
  const utc = plainMs(iso) ?? DateTime.fromISO(iso, { zone: 'utc' }).toMillis()
  if (plausible(utc) === null) return null
  // Of the zone itself: a `DateTime` for each of these would cost a session of 200 legs 50 ms.
  const offset = offsetsOf(zone)
  // The instant lies between these two, for no zone is more than 12 hours behind or 14 ahead of UTC.
  const [before, after] = [offset(utc - 14 * HOUR_MS), offset(utc + 12 * HOUR_MS)]
  if (before === after) return plausible(utc - before)
  const near = utc - offset(utc)
  // The two offsets that can apply are those half a day before and after; no zone changes twice a day.
  const candidates = [-HALF_DAY_MS, HALF_DAY_MS].map((apart) => utc - offset(near + apart))
  const valid = candidates.filter((ms) => ms + offset(ms) === utc)
  return plausible(valid.length > 0 ? Math.min(...valid) : Math.max(...candidates))
}

/** The form that nearly all have, ten times as fast; null for any other, and for a 30 February. */
function plainMs(iso: string): number | null {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(iso)) return null
  const ms = Date.parse(`${iso}Z`)
  return isoInstant(Number.isNaN(ms) ? 0 : ms) === `${iso}Z` ? ms : null
}

const HOUR_MS = 3_600_000
const HALF_DAY_MS = 12 * HOUR_MS

/** Milliseconds by which the zone is ahead of UTC at an instant. */
function offsetsOf(zone: string): (ms: number) => number {
  const { zone: known } = DateTime.fromMillis(0, { zone })
  return (ms) => Math.round(known.offset(ms) * 60_000)
}

/** `2026-05-26T13:57:59Z`; milliseconds are shown only when there are some. */
export function isoInstant(ms: number | null): string | null {
  if (ms === null) return null
  return new Date(ms).toISOString().replace('.000Z', 'Z')
}

/** Null when one of them is unknown. */
export function secondsAfter(ms: number | null, secs: number | null): number | null {
  return ms === null || secs === null ? null : ms + secs * 1000
}

/**
 * Whole seconds from one instant to another. Null when one of them is unknown, when the clock ran
 * backwards, or when they are further apart than the Avro `int` of a duration holds.
 */
export function secondsBetween(fromMs: number | null, toMs: number | null): number | null {
  return fromMs === null || toMs === null ? null : seconds((toMs - fromMs) / 1000)
}

function plausible(ms: number): number | null {
  return ms >= EARLIEST_MS && ms < LATEST_MS ? ms : null
}
