import { createHash } from 'node:crypto'

/**
 * The normalized call event, in the shape in which a customer receives it.
 *
 * `null` means "the provider did not tell"; nothing is ever invented. Times are UTC ISO 8601,
 * durations whole seconds, numbers E.164 where they can be parsed. The Avro form on the topic
 * (`schemas/avro/call-event.avsc`) is made by `call-event-codec.ts`.
 */

export const EVENT_KINDS = [
  'call.completed',
  'call.recording_ready',
  'call.transcribed',
  'order.created',
] as const
export const PROVIDER_NAMES = [
  'ringostat',
  'phonet',
  'binotel',
  'stream-telecom',
  'unitalk',
] as const
export const EVENT_PROVIDERS = [...PROVIDER_NAMES, 'first-party'] as const
export const DIRECTIONS = ['inbound', 'outbound', 'internal'] as const
export const CALL_STATUSES = [
  'answered',
  'missed',
  'no_answer',
  'busy',
  'failed',
  'voicemail',
] as const
export const RECORDING_STATUSES = ['none', 'pending', 'available'] as const

export type EventKind = (typeof EVENT_KINDS)[number]
/** A telephony provider that sends us webhooks. */
export type ProviderName = (typeof PROVIDER_NAMES)[number]
/** Who told us: a provider, or a first-party producer. */
export type EventProvider = (typeof EVENT_PROVIDERS)[number]
export type Direction = (typeof DIRECTIONS)[number]
export type CallStatus = (typeof CALL_STATUSES)[number]
export type RecordingStatus = (typeof RECORDING_STATUSES)[number]

export interface Client {
  readonly number: string | null
  readonly name: string | null
  readonly isNew: boolean | null
}

export interface Line {
  readonly number: string | null
  readonly label: string | null
}

export interface Agent {
  readonly id: string | null
  readonly name: string | null
  readonly extension: string | null
  readonly email: string | null
}

export interface Leg {
  readonly extension: string | null
  readonly name: string | null
  readonly email: string | null
  readonly status: CallStatus | null
  /** Seconds. */
  readonly waitDuration: number | null
  /** Seconds. */
  readonly talkDuration: number | null
}

export interface Transcript {
  readonly text: string | null
  readonly language: string | null
  readonly summary: string | null
  readonly clientMood: string | null
  readonly agentMood: string | null
  readonly overallMood: string | null
  readonly recommendation: string | null
  readonly score: number | null
  readonly scoreDetail: string | null
}

export interface Order {
  readonly id: string
  readonly number: string | null
  readonly amount: number | null
  readonly currency: string | null
  readonly status: string | null
  readonly url: string | null
}

export interface Tracking {
  readonly source: string | null
  readonly medium: string | null
  readonly campaign: string | null
  readonly term: string | null
  readonly content: string | null
  readonly clientId: string | null
  readonly landingPage: string | null
}

/** What a provider tells of a call: everything but the ids that we derive. */
export interface CallFacts {
  readonly event: EventKind
  readonly provider: EventProvider
  readonly providerCallId: string
  readonly direction: Direction | null
  readonly callback: boolean
  readonly status: CallStatus | null
  readonly statusDetail: string | null
  readonly caller: string | null
  readonly callee: string | null
  readonly client: Client
  readonly line: Line
  readonly agent: Agent
  readonly group: string | null
  readonly transferred: boolean
  readonly legs: readonly Leg[]
  /** Seconds from start to end. */
  readonly duration: number | null
  /** Seconds. */
  readonly talkDuration: number | null
  /** Seconds. */
  readonly waitDuration: number | null
  readonly startedAt: string | null
  readonly answeredAt: string | null
  readonly endedAt: string | null
  readonly recordingStatus: RecordingStatus
  readonly recordingUrl: string | null
  readonly transcriptUrl: string | null
  readonly transcript: Transcript | null
  readonly order: Order | null
  readonly tracking: Tracking
}

export interface CallEvent extends CallFacts {
  readonly eventId: string
  readonly workspaceId: string
  readonly callId: string
}

/** Facts with nothing told: the base that a mapping spreads first, so that no field is forgotten. */
export function untold(
  event: EventKind,
  provider: EventProvider,
  providerCallId: string,
): CallFacts {
  return {
    event,
    provider,
    providerCallId,
    direction: null,
    callback: false,
    status: null,
    statusDetail: null,
    caller: null,
    callee: null,
    client: { number: null, name: null, isNew: null },
    line: { number: null, label: null },
    agent: { id: null, name: null, extension: null, email: null },
    group: null,
    transferred: false,
    legs: [],
    duration: null,
    talkDuration: null,
    waitDuration: null,
    startedAt: null,
    answeredAt: null,
    endedAt: null,
    recordingStatus: 'none',
    recordingUrl: null,
    transcriptUrl: null,
    transcript: null,
    order: null,
    tracking: {
      source: null,
      medium: null,
      campaign: null,
      term: null,
      content: null,
      clientId: null,
      landingPage: null,
    },
  }
}

/**
 * Gives the facts their ids. They are derived, not drawn, so a webhook that the provider sends
 * again yields the same `eventId` and the customer can recognize it.
 *
 * `revision` (default 1) tells a correction of an event that was already published apart from its
 * first version: same `callId`, another `eventId`.
 */
export function identify(facts: CallFacts, workspaceId: string, revision = 1): CallEvent {
  const call = [workspaceId, facts.provider, facts.providerCallId]
  const kind = revision === 1 ? facts.event : `${facts.event}#${revision}`
  return {
    ...facts,
    eventId: `evt_${idDigest([...call, kind])}`,
    workspaceId,
    callId: callIdOf(workspaceId, facts.provider, facts.providerCallId),
  }
}

/** Our id of a call, by the provider's: whoever knows that one finds the call without a search. */
export function callIdOf(
  workspaceId: string,
  provider: EventProvider,
  providerCallId: string,
): string {
  return `call_${idDigest([workspaceId, provider, providerCallId])}`
}

/** 128 bits: long enough that two calls never share an id, short enough to read aloud. */
/** Stable across processes: 128 bits of the SHA-256 of the parts. */
export function idDigest(parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 32)
}
