import { DateTime } from 'luxon'
import { z } from 'zod'
import {
  EVENT_KINDS,
  type EventKind,
  type EventProvider,
} from '../../services/shared/call-event.ts'
import type { FixtureRequest, ProviderFixture } from '../support/provider-fixtures.ts'

/**
 * A recorded call that happens again now: other ids, another time, another client.
 *
 * What to replace is read from the fixture's own `expected.json`, and it is replaced in the raw
 * text, so a form stays a form and a number stays a number, byte for byte beside what changed.
 */
export interface FreshCall {
  readonly provider: EventProvider
  readonly requests: readonly FixtureRequest[]
  /** Events that the requests make, in order; none for a ring or a dial. */
  readonly events: readonly ExpectedEvent[]
  /** Told in parts: the event enters the log after the last part was answered. */
  readonly isSession: boolean
}

export interface ExpectedEvent {
  readonly provider: EventProvider
  readonly event: EventKind
  readonly providerCallId: string
}

export interface Occasion {
  /** Tells this call apart from all others of the run: 0 to 99,999. */
  readonly serial: number
  /** Milliseconds since 1970 at which the call begins. */
  readonly startsAt: number
}

const told = z.object({
  event: z.enum(EVENT_KINDS),
  providerCallId: z.string(),
  startedAt: z.string().nullable(),
  client: z.object({ number: z.string().nullable() }),
})
const verdict = z.union([
  z.object({ kind: z.literal('event'), call: told }),
  z.object({
    kind: z.literal('leg'),
    held: z.object({ sessionId: z.string(), legId: z.string() }),
  }),
  z.object({ kind: z.literal('ignored') }),
])

/** @throws ZodError for a fixture that is refused or asks something: that is no call. */
export function freshen(fixture: ProviderFixture, occasion: Occasion): FreshCall {
  const verdicts = z.array(verdict).parse(fixture.expected)
  const calls = fixture.merged
    ? [told.parse(fixture.merged)]
    : verdicts.flatMap((one) => (one.kind === 'event' ? [one.call] : []))
  const legIds = verdicts.flatMap((one) => (one.kind === 'leg' ? [one.held.legId] : []))
  const [first] = calls
  const zone = fixture.requests[0]?.timezone ?? 'UTC'
  const renewIds = idRenewal([...calls.map((call) => call.providerCallId), ...legIds], occasion)
  const renewNumber = numberRenewal(first?.client.number ?? null, occasion)
  const moveTimes = timeShift(first?.startedAt ?? null, zone, occasion)
  const renew = (text: string) => moveTimes(renewNumber(renewIds(text)))
  return {
    provider: fixture.provider,
    requests: fixture.requests.map((request) => renewRequest(request, renew)),
    events: unique(calls.map(({ event, providerCallId }) => [event, providerCallId] as const)).map(
      ([event, id]) => ({ provider: fixture.provider, event, providerCallId: renew(id) }),
    ),
    isSession: fixture.merged !== null,
  }
}

type Renewal = (text: string) => string

const SAME: Renewal = (text) => text

function renewRequest(request: FixtureRequest, renew: Renewal): FixtureRequest {
  const query = Object.entries(request.query).map(([name, value]) => [
    name,
    typeof value === 'string' ? renew(value) : value,
  ])
  return { ...request, body: renew(request.body), query: Object.fromEntries(query) }
}

/** A webhook that the provider repeats makes one event: the second is recognized. */
function unique<Kind extends string>(
  pairs: readonly (readonly [Kind, string])[],
): (readonly [Kind, string])[] {
  return [...new Map(pairs.map((pair) => [pair.join(' '), pair])).values()]
}

/** All ids in one pass: replaced one after the other, a new id could be taken for an old one. */
function idRenewal(ids: readonly string[], { serial }: Occasion): Renewal {
  const renewed = new Map(
    [...new Set(ids)].map((id, index) => [id, renewId(id, SERIALS_FROM + serial * 10 + index)]),
  )
  if (renewed.size === 0) return SAME
  const pattern = new RegExp(`(?<!\\d)(${[...renewed.keys()].map(literal).join('|')})(?!\\d)`, 'g')
  return (text) => text.replace(pattern, (id) => renewed.get(id) ?? id)
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

/** Seven digits that never begin with a zero: an id that is a JSON number stays one. */
const SERIALS_FROM = 1_000_000

function renewId(id: string, serial: number): string {
  const isUuid = /^[\da-f-]{32,36}$/i.test(id)
  return isUuid ? `${id.slice(0, -7)}${serial}` : id.replace(/\d{0,7}$/, String(serial))
}

/** However it is written (`+380…`, `380…`, `0…`, `%2B380…`): only the nine digits behind change. */
function numberRenewal(number: string | null, { serial }: Occasion): Renewal {
  const [, national] = /^\+380(\d{9})$/.exec(number ?? '') ?? []
  if (national === undefined) return SAME
  const pattern = new RegExp(`(?<=380|0)${national}(?!\\d)`, 'g')
  return (text) => text.replace(pattern, `67${SERIALS_FROM + serial}`)
}

const EPOCH = /(?<!\d)1[4-9]\d{8}(?:\d{3})?(?!\d)/g
const CLOCK = /(\d{4}-\d{2}-\d{2})([T +])(\d{2})(:|%3A)(\d{2})\4(\d{2})([+-]\d{2}:?\d{2})?/g

/** Epoch seconds, epoch milliseconds and clocks with or without offset, also within ids. */
function timeShift(startedAt: string | null, zone: string, { startsAt }: Occasion): Renewal {
  if (startedAt === null) return SAME
  const seconds = Math.round((startsAt - Date.parse(startedAt)) / 1000)
  const moveClock = (text: string, ...[date, t, hour, colon, minute, second, offset]: string[]) => {
    const iso = `${date}T${hour}:${minute}:${second}${offset ?? ''}`
    const moved = DateTime.fromISO(iso, offset ? { setZone: true } : { zone }).plus({ seconds })
    return moved.isValid
      ? moved.toFormat(`yyyy-MM-dd'${t}'HH'${colon}'mm'${colon}'ss`) + (offset ?? '')
      : text
  }
  const moveEpoch = (text: string) =>
    String(Number(text) + (text.length === 13 ? seconds * 1000 : seconds))
  return (text) => text.replace(CLOCK, moveClock).replace(EPOCH, moveEpoch)
}
