import type { Direction } from '../../shared/call-event.ts'
import type { CallSides } from './call-sides.ts'
import { isExtension, phoneNumber } from './phone-number.ts'
import type { Json } from './provider.ts'
import { type Fields, plainText, type RingostatField } from './ringostat-fields.ts'
import { flag, text } from './wire-value.ts'

/**
 * Who is who in a Ringostat call. `caller` is the client only of an incoming call; of an outgoing
 * one it is the agent's SIP login or the company's number, and the client is the one called.
 */
export interface Parties extends CallSides {
  readonly callback: boolean
}

const DIRECTIONS: ReadonlyMap<string, Direction> = new Map([
  ['in', 'inbound'],
  ['incoming', 'inbound'],
  ['inbound', 'inbound'],
  ['transitin', 'inbound'],
  ['callback', 'inbound'],
  ['out', 'outbound'],
  ['outgoing', 'outbound'],
  ['outbound', 'outbound'],
  ['transitout', 'outbound'],
  ['internal', 'internal'],
])

/** `byEvent` is the direction that the webhook's own event implies, for a body without one. */
export function partiesOf(
  fields: Fields,
  byEvent: Direction | null,
  defaultCountry: string,
): Parties {
  const numbers = numberReader(fields, defaultCountry)
  const callType = fields.first('call_type', text)?.toLowerCase() ?? ''
  const callback = callType === 'callback' || fields.first('substitution_type', isCallback) === true
  const ways = { inbound, outbound, internal }
  const told = callback ? 'inbound' : (DIRECTIONS.get(callType) ?? byEvent)
  const direction = isInternal(numbers) ? 'internal' : told
  const nobody = { client: null, line: null, extension: numbers('additional_number')[0] ?? null }
  return {
    callback,
    direction,
    called: null,
    ...(direction === null ? nobody : ways[direction](numbers)),
  }
}

/** The values of a field as numbers, SIP logins or extensions; hidden numbers are left out. */
type Numbers = (...fields: readonly RingostatField[]) => readonly string[]

type Sides = Omit<CallSides, 'direction' | 'called'> & { readonly called?: string | null }

function numberReader(fields: Fields, defaultCountry: string): Numbers {
  // Each field is asked for several times, and parsing a phone number is the dearest step of all.
  const known = new Map<RingostatField, readonly string[]>()
  const numbersOf = (name: RingostatField): readonly string[] => {
    const numbers =
      known.get(name) ??
      fields
        .all(name)
        .map((value) => phoneNumber(plainText(value), defaultCountry))
        .filter((number) => number !== null)
    known.set(name, numbers)
    return numbers
  }
  return (...names) => names.flatMap(numbersOf)
}

function inbound(numbers: Numbers): Sides {
  // On some rows the E.164 of "the client" is the agent's own mobile or the line.
  const ours = numbers('connected_with', 'dst')
  const [client] = [
    ...numbers('caller_number', 'client', 'caller'),
    ...numbers('e164').filter((number) => !ours.includes(number)),
  ]
  const extension = [
    ...numbers('additional_number'),
    ...numbers('connected_with', 'outbound_number').filter(isOurs),
  ]
  return {
    client: client ?? null,
    line: numbers('dst')[0] ?? null,
    extension: extension[0] ?? null,
  }
}

function outbound(numbers: Numbers): Sides {
  const callers = numbers('caller_number', 'caller')
  const [line] = [...callers, ...numbers('outbound_number')].filter((number) => !isOurs(number))
  const [extension] = [...numbers('additional_number'), ...callers.filter(isOurs)]
  return {
    client: numbers('dst', 'client', 'e164')[0] ?? null,
    line: line ?? null,
    extension: extension ?? null,
  }
}

function internal(numbers: Numbers): Sides {
  return {
    client: null,
    line: null,
    extension: numbers('caller', 'caller_number')[0] ?? null,
    called: numbers('dst')[0] ?? null,
  }
}

/** Ringostat has no word for it: a call is internal when both of its ends are. */
function isInternal(numbers: Numbers): boolean {
  const [caller] = numbers('caller_number', 'caller', 'client')
  const [called] = numbers('dst')
  return caller !== undefined && called !== undefined && isOurs(caller) && isOurs(called)
}

/** A SIP login (`acmeua_olena`) or a short number; no telephone number of anybody. */
function isOurs(number: string): boolean {
  return isExtension(number) || /\p{Letter}/u.test(number)
}

/** `substitution_type` has a word, a parameter named `callback` a flag. */
function isCallback(value: Json): boolean | null {
  return text(value)?.toLowerCase() === 'callback' ? true : flag(value)
}
