import type { CallEvent } from '../../shared/call-event.ts'
import { sign } from '../../shared/egress/webhook-signature.ts'
import type { Connection } from './connection.ts'

/** What is sent: body and headers of one attempt, as in the contract. */

export interface Payload {
  readonly body: string
  /** Flat name, value pairs: the form that undici takes without copying. */
  readonly headers: string[]
}

const REPLAY_HEADER = ['webhook-replay', 'true']

export interface AttemptFacts {
  /** Grows per workspace, with gaps: the offset in the log. */
  readonly sequence: number
  readonly attempt: number
  /** Part of a back-fill. */
  readonly isReplay: boolean
  /** Milliseconds since 1970. */
  readonly now: number
}

export function buildPayload(
  event: CallEvent,
  connection: Connection,
  { sequence, attempt, isReplay, now }: AttemptFacts,
  userAgent: string,
): Payload {
  const body = JSON.stringify(connection.maskNumbers ? maskNumbers(event) : event)
  const timestamp = Math.floor(now / 1000)
  const headers = [
    'content-type',
    'application/json',
    'user-agent',
    userAgent,
    'webhook-id',
    event.eventId,
    'webhook-timestamp',
    String(timestamp),
    'webhook-signature',
    signatures(connection, event.eventId, timestamp, body),
    'webhook-sequence',
    String(sequence),
    'webhook-attempt',
    String(attempt),
    ...(isReplay ? REPLAY_HEADER : []),
    ...connection.passwordHeader,
  ]
  return { body, headers }
}

/** One signature per valid key, so that a customer may change over within the overlap. */
function signatures(connection: Connection, id: string, timestamp: number, body: string): string {
  const [current, ...older] = connection.signingKeys
  if (!current) throw new Error('a connection has a signing key')
  let text = sign(current.key, id, timestamp, body)
  for (const { key, validUntil } of older) {
    if (validUntil !== null && validUntil < timestamp * 1000) continue
    text += ` ${sign(key, id, timestamp, body)}`
  }
  return text
}

/** Hides the middle of the client's number wherever it stands; the company's own numbers stay. */
function maskNumbers(event: CallEvent): CallEvent {
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
