import { type CallEvent, identify } from '../shared/call-event.ts'
import type { CallName } from '../shared/postgres/published-events.ts'
import type { TraceContext } from '../shared/trace-context.ts'
import type { FieldProblem } from './answers.ts'
import { readBody } from './body-reader.ts'
import { type EventRefusalReason, refusalOf } from './event-refusal.ts'
import { idempotentEventId, readFirstPartyEvent, type ToldCall } from './providers/first-party.ts'
import { fingerprintOf, type Publisher } from './publisher.ts'

/**
 * `POST /v1/workspaces/{id}/events`: an event of a first-party producer.
 *
 * The same request again is answered the same. Another event under the same id is refused: taken
 * for a repeat, it would be lost in silence.
 */
export interface FirstPartyRequest {
  /** Whose token it brought, which was looked at before the body was read. */
  readonly workspaceId: string
  readonly idempotencyKey: string | undefined
  readonly contentType: string | undefined
  readonly body: Buffer
  /** Of the span of this request, when traces are on. */
  readonly trace?: TraceContext | undefined
}

export type FirstPartyResult =
  | {
      readonly kind: 'published' | 'spooled' | 'repeated'
      readonly eventId: string
      readonly callId: string
      readonly providerCallId?: string
    }
  | { readonly kind: 'conflict'; readonly eventId: string }
  | {
      readonly kind: 'rejected'
      readonly errors: readonly FieldProblem[]
      /** Not about one field. */
      readonly reason?: EventRefusalReason
    }
  | { readonly kind: 'unsupported'; readonly detail: string }

export type AcceptFirstParty = (request: FirstPartyRequest) => Promise<FirstPartyResult>

export interface AcceptFirstPartyOptions {
  /** How the provider names a call that was published. */
  readonly findCall: (call: { workspaceId: string; callId: string }) => Promise<CallName | null>
  readonly publisher: Publisher
}

export function createAcceptFirstParty(options: AcceptFirstPartyOptions): AcceptFirstParty {
  return async (request) => {
    const body = readBody(request.body, request.contentType)
    if (body.kind === 'unsupported') return { kind: 'unsupported', detail: 'send application/json' }
    if (body.kind !== 'parsed') return invalid('', body.detail)
    return publishEvent(request, body.body, options)
  }
}

async function publishEvent(
  { workspaceId, idempotencyKey, trace }: FirstPartyRequest,
  body: unknown,
  options: AcceptFirstPartyOptions,
): Promise<FirstPartyResult> {
  if (idempotencyKey !== undefined && !/^[\x21-\x7e]{1,255}$/.test(idempotencyKey)) {
    return invalid('Idempotency-Key', 'must be 1 to 255 visible characters')
  }
  const read = readFirstPartyEvent(body)
  if (read.kind === 'invalid') return { kind: 'rejected', errors: read.errors }
  const name = await nameOf(read.call, workspaceId, options)
  if (name === null) return invalid('callId', 'is no call that we published in the last 7 days')
  const facts = read.facts(name.provider, name.providerCallId)
  const identified = identify(facts, workspaceId)
  if (read.call.callId !== undefined && read.call.callId !== identified.callId) {
    return invalid('callId', 'is another call than provider and providerCallId name')
  }
  const event = withKey(identified, idempotencyKey)
  try {
    const published = await options.publisher.publish(event, fingerprintOf(facts), trace)
    if (published.kind === 'conflict') return { kind: 'conflict', eventId: event.eventId }
    const { eventId, callId, providerCallId } = event
    return { kind: published.kind, eventId, callId, providerCallId }
  } catch (error) {
    const refusal = refusalOf(error)
    if (refusal === null) throw error
    const { reason, detail } = refusal
    return { kind: 'rejected', reason, errors: [{ path: '', message: detail }] }
  }
}

async function nameOf(
  { provider, providerCallId, callId }: ToldCall,
  workspaceId: string,
  { findCall }: AcceptFirstPartyOptions,
): Promise<CallName | null> {
  if (provider !== undefined && providerCallId !== undefined) return { provider, providerCallId }
  return callId === undefined ? null : findCall({ workspaceId, callId })
}

function withKey(event: CallEvent, key: string | undefined): CallEvent {
  if (key === undefined) return event
  return { ...event, eventId: idempotentEventId(event.workspaceId, key) }
}

function invalid(path: string, message: string): FirstPartyResult {
  return { kind: 'rejected', errors: [{ path, message }] }
}
