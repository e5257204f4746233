import type { z } from 'zod'
import type { CallFacts, ProviderName } from '../../shared/call-event.ts'

/**
 * What the rest of the normalizer knows of a provider: a pure function from a request to verdicts.
 * A new provider is one file that exports a `Provider`, a line in `registry.ts`, and fixtures.
 */

/** JSON, or a form turned into the same shapes (`a[b][0]=c` → `{ a: { b: ['c'] } }`). */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [key: string]: Json
}

export interface ProviderRequest {
  readonly method: 'GET' | 'POST'
  /** Path segment behind the source token, '' when absent. Names the event where the body does not. */
  readonly eventPath: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly query: JsonObject
  /** The parsed body; an empty object when there was none. */
  readonly body: Json
  /** Milliseconds since 1970 at which we received it. */
  readonly receivedAt: number
}

/** What a mapping needs to know of the workspace and its source. */
export interface SourceContext<Settings> {
  readonly settings: Settings
  /** IANA zone of the workspace, for local times without offset. */
  readonly timezone: string
  /** ISO 3166 alpha-2, for numbers without country code. */
  readonly defaultCountry: string
}

/** Why a request is acknowledged and not published: each is a deliberate choice. */
export type IgnoredReason =
  | 'not_final' // ringing, answering, dialling: the completed call comes later
  | 'lookup' // the provider only asks who calls; answered, not stored
  | 'test' // the provider's own test button
  | 'not_a_call' // fax, SMS, messenger, form
  | 'unknown_event' // an event kind that we do not deliver
  | 'end_in_disabled' // Stream Telecom: the source does not want calls that end in the greeting

/** Why a request is kept raw in `calls.rejected` and answered with 422. */
export type RejectedReason =
  | 'unreadable' // not the format that its content type says
  | 'unrecognized' // readable, but not a shape of this provider
  | 'no_call_id' // nothing identifies the call
  | 'invalid_time' // no usable start time
  | 'account_mismatch' // names another account than the source's
  | 'too_deep' // nested or numbered beyond reason
  | 'too_many' // more than 100 calls in one request
  | 'unusable_id' // an id longer than any, or with a line break or a damaged character in it

/** One leg of a session that is told in parts; merged by `Provider.merge` once it is final. */
export interface HeldLeg {
  readonly sessionId: string
  readonly legId: string
  readonly leg: JsonObject
  /** True when this leg closes the session: nothing more is expected. */
  readonly closing: boolean
  /** Milliseconds of silence after which the session counts as closed. */
  readonly windowMs: number
}

export type Verdict =
  | { readonly kind: 'event'; readonly call: CallFacts }
  | { readonly kind: 'leg'; readonly held: HeldLeg }
  | { readonly kind: 'ignored'; readonly reason: IgnoredReason }
  | { readonly kind: 'rejected'; readonly reason: RejectedReason; readonly detail: string }
  /** The source's own credential (Basic pair, header secret) is missing or wrong: 401, not kept. */
  | { readonly kind: 'unauthorized'; readonly detail: string }
  /** The provider asked something; this is the JSON body that it expects (counted as `lookup`). */
  | { readonly kind: 'answer'; readonly body: Json }

export interface Provider<Settings> {
  readonly name: ProviderName
  /** Strict: unknown keys are refused with the list of the allowed ones. `{}` is always valid. */
  readonly settings: z.ZodType<Settings>
  /** Never throws on any input; one request may hold several calls. */
  read(request: ProviderRequest, source: SourceContext<Settings>): readonly Verdict[]
  /** Only for providers that answer `leg`: the call that these legs make. Order does not matter. */
  merge?(legs: readonly JsonObject[], source: SourceContext<Settings>): CallFacts
  /** The answer that this provider takes for success. */
  readonly acknowledgement: { readonly contentType: string; readonly body: string }
}

/**
 * Most calls in one request, asked before any of them is mapped: 80,000 empty objects fit into a
 * body, and mapping them would hold up the webhooks of everybody else for a second.
 */
export const CALLS_MAX = 100

/** For a provider to answer instead of its calls; null while they are few enough. */
export function tooMany(calls: number): readonly Verdict[] | null {
  if (calls <= CALLS_MAX) return null
  return [rejected('too_many', `it holds more than ${CALLS_MAX} calls`)]
}

export function rejected(reason: RejectedReason, detail: string): Verdict {
  return { kind: 'rejected', reason, detail }
}
