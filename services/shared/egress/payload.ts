import type { CallEvent } from '../call-event.ts'
import type { TraceContext } from '../trace-context.ts'
import type { SigningKey } from './signing-keys.ts'
import { sign } from './webhook-signature.ts'

/** What is sent: body and headers of one attempt, as in the contract. */

export interface Payload {
  readonly body: string
  /** Flat name, value pairs: the form that undici takes without copying. */
  readonly headers: string[]
}

/** What of the customer's connection shows in a request. */
export interface PayloadTarget {
  /** Name and value of the password's header, flat; empty when there is no password. */
  readonly passwordHeader: readonly string[]
  /** The current key first, then the one before it while the rotation overlaps. */
  readonly signingKeys: readonly SigningKey[]
  readonly maskNumbers: boolean
}

const REPLAY_HEADER = ['webhook-replay', 'true']

export interface AttemptFacts {
  /** Grows per workspace, with gaps; see `sequenceOf`. */
  readonly sequence: number
  readonly attempt: number
  /** Part of a back-fill. */
  readonly isReplay: boolean
  /** Sent along; absent unless an operator wants customers to get it. */
  readonly trace?: TraceContext | undefined
  /** Milliseconds since 1970. */
  readonly now: number
}

export function buildPayload(
  event: CallEvent,
  target: PayloadTarget,
  facts: AttemptFacts,
  userAgent: string,
): Payload {
  const body = bodyOf(event, target.maskNumbers)
  return { body, headers: headersOf({ id: event.eventId, body }, target, facts, userAgent) }
}

/** What is posted: an event, a ping or a test. */
export interface Message {
  readonly id: string
  /** JSON. */
  readonly body: string
}

/** The headers of every request to a customer, so that what a ping passes a delivery passes as well. */
export function headersOf(
  message: Message,
  target: Omit<PayloadTarget, 'maskNumbers'>,
  { sequence, attempt, isReplay, trace, now }: AttemptFacts,
  userAgent: string,
): string[] {
  return [
    'content-type',
    'application/json',
    'user-agent',
    userAgent,
    'webhook-id',
    message.id,
    'webhook-timestamp',
    String(secondsOf(now)),
    'webhook-signature',
    signatures(target.signingKeys, message, now),
    'webhook-sequence',
    String(sequence),
    'webhook-attempt',
    String(attempt),
    ...(isReplay ? REPLAY_HEADER : []),
    ...(trace ? Object.entries(trace).flat() : []),
    ...target.passwordHeader,
  ]
}

/** One signature per valid key, so that a customer may change over within the overlap. */
function signatures(
  [current, ...older]: readonly SigningKey[],
  { id, body }: Message,
  now: number,
): string {
  if (!current) throw new Error('a connection has a signing key')
  const timestamp = secondsOf(now)
  let text = sign(current.key, id, timestamp, body)
  for (const { key, validUntil } of older) {
    if (validUntil !== null && validUntil <= now) continue
    text += ` ${sign(key, id, timestamp, body)}`
  }
  return text
}

function secondsOf(ms: number): number {
  return Math.floor(ms / 1000)
}

export function bodyOf(event: CallEvent, areNumbersMasked: boolean): string {
  return JSON.stringify(areNumbersMasked ? maskNumbers(event) : event)
}

/** Hides the middle of the client's number wherever it stands; the company's own numbers stay. */
export function maskNumbers(event: CallEvent): CallEvent {
  const { number } = event.client
  if (number === null) return event
  const masked = maskNumber(number)
  return {
    ...event,
    caller: event.caller === number ? masked : event.caller,
    callee: event.callee === number ? masked : event.callee,
    client: { ...event.client, number: masked },
  }
}

/** `+380671235678` → `+380 67 ••• 5678`; anything that is no E.164 number keeps its last two digits. */
export function maskNumber(number: string): string {
  const ukrainian = /^(\+380)(\d{2})\d{3}(\d{4})$/.exec(number)
  if (ukrainian) return `${ukrainian[1]} ${ukrainian[2]} ••• ${ukrainian[3]}`
  const foreign = /^(\+\d{1,6})\d{3}(\d{4})$/.exec(number)
  if (foreign) return `${foreign[1]} ••• ${foreign[2]}`
  return `••• ${number.slice(-2)}`
}
