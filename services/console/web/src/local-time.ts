/**
 * Between the text of an `<input type="datetime-local">` and an instant, in the workspace's zone:
 * a customer in Kyiv who travels still means the hours of their office.
 */

/** `2026-05-26T16:57`, as an input of the kind `datetime-local` takes it. */
export function localText(at: Date, zone: string): string {
  return new Date(at.getTime() + offsetMs(at, zone)).toISOString().slice(0, 16)
}

/**
 * Null for a text that is no date. An hour that the clocks skip in spring becomes the one after it,
 * an hour that comes twice in autumn its first turn.
 */
export function instantOf(text: string, zone: string): Date | null {
  const asUtc = Date.parse(`${text}Z`)
  if (!LOCAL_TEXT.test(text) || Number.isNaN(asUtc)) return null
  // The offset of the day before and the day after: one of them holds, or the hour does not exist.
  const [before, after] = [asUtc - DAY_MS, asUtc + DAY_MS].map((at) => offsetMs(new Date(at), zone))
  const candidates = [before, after]
    .map((offset) => new Date(asUtc - (offset ?? 0)))
    .filter((at) => at.getTime() + offsetMs(at, zone) === asUtc)
  return candidates[0] ?? new Date(asUtc - (before ?? 0))
}

const LOCAL_TEXT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/
const DAY_MS = 86_400_000

const formats = new Map<string, Intl.DateTimeFormat>()

/** How far the zone's clock is ahead of UTC at that instant, in milliseconds. */
function offsetMs(at: Date, zone: string): number {
  const fields = new Map(
    formatOf(zone)
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  )
  const [year, month, day, hour, minute, second] = [
    'year',
    'month',
    'day',
    'hour',
    'minute',
    'second',
  ].map((type) => Number(fields.get(type as Intl.DateTimeFormatPartTypes)))
  const local = Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second)
  return local - Math.floor(at.getTime() / 1000) * 1000
}

/** Making a format costs a hundred times what using it does. */
function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone)
  if (known !== undefined) return known
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  formats.set(zone, format)
  return format
}
