import type { CallFacts, CallStatus, Direction } from '../../shared/call-event.ts'

/** No call rings more lines; an endless list would make an event that Kafka refuses. */
export const LEGS_MAX = 100

/** Who is on which side of a call, as a mapping has worked it out from its provider's fields. */
export interface CallSides {
  readonly direction: Direction | null
  /** The other party's number. */
  readonly client: string | null
  /** The company's number. */
  readonly line: string | null
  /** Extension of ours; of an internal call the one that called. */
  readonly extension: string | null
  /** Extension that an internal call was made to. */
  readonly called: string | null
}

/** Caller and callee follow the direction; without a known direction neither can be told. */
export function callerAndCallee(sides: CallSides): Pick<CallFacts, 'caller' | 'callee'> {
  switch (sides.direction) {
    case 'inbound':
      return { caller: sides.client, callee: sides.line }
    case 'outbound':
      return { caller: sides.line ?? sides.extension, callee: sides.client }
    case 'internal':
      return { caller: sides.extension, callee: sides.called }
    case null:
      return { caller: null, callee: null }
  }
}

/** Why the dialled side did not talk, where the provider tells it. */
export type Refusal = Extract<CallStatus, 'no_answer' | 'busy' | 'failed'>

/**
 * The status of a call that was not answered. An incoming one is missed whatever the technical
 * reason, because the client called and nobody of ours talked; `statusDetail` keeps the reason.
 * For a callback we dialled the client, so it is told like an outgoing call.
 */
export function unansweredStatus(
  direction: Direction | null,
  refusal: Refusal,
  callback = false,
): CallStatus | null {
  if (direction === null) return null
  return direction === 'inbound' && !callback ? 'missed' : refusal
}
