import { type CallFacts, identify } from '../shared/call-event.ts'
import type { Logger } from '../shared/logger.ts'
import { DatabaseAwayError } from '../shared/postgres/database-guard.ts'
import type { SourceName } from '../shared/source-token.ts'
import { traceIds } from '../shared/trace-context.ts'
import { refusalOf } from './event-refusal.ts'
import type { HeldSessions } from './held-sessions.ts'
import type { KeptBudgets } from './kept-budgets.ts'
import type { NormalizerMetrics } from './metrics.ts'
import type { Json, Provider, Verdict } from './providers/provider.ts'
import type { Publisher } from './publisher.ts'
import type { RateLimited } from './rate-limited.ts'
import type { Recordings } from './recordings/recordings.ts'
import type { KeptReason, RejectedRequests, Rejection } from './rejected-requests.ts'
import type { Source } from './source.ts'
import type { Webhook } from './webhook.ts'

/**
 * Does what a provider's verdicts say, and says what to answer.
 *
 * A request may hold several calls. If one of them could not be made safe, the whole request
 * fails and the provider sends it again; the calls that were published are recognized then.
 */
export type WebhookResult =
  | {
      readonly kind: 'published' | 'spooled' | 'repeated' | 'held' | 'kept' | 'ignored'
      readonly source: SourceName
      readonly acknowledgement: Provider<unknown>['acknowledgement']
      readonly eventIds: readonly string[]
      /** As the provider names the calls; absent: none was read. */
      readonly providerCallIds?: readonly string[]
      readonly reason?: string
    }
  /** The provider asked something: the JSON that it expects. */
  | { readonly kind: 'answered'; readonly source: SourceName; readonly body: Json }
  | ({ readonly kind: 'rejected'; readonly source: SourceName } & Rejection)
  | {
      readonly kind: 'unauthorized' | 'unsupported'
      readonly source: SourceName
      readonly detail: string
    }
  | (RateLimited & { readonly source?: SourceName })
  | { readonly kind: 'unknown_source' }
  | { readonly kind: 'unavailable'; readonly reason: UnavailableReason }

export type UnavailableReason =
  | 'kafka_and_postgres'
  | 'spool_full'
  | 'spool_too_old'
  | 'kafka'
  | 'postgres'
  | 'deadline'
  | 'overload'
  | 'bug'

export interface ActOptions {
  readonly publisher: Publisher
  readonly sessions: Pick<HeldSessions, 'hold'>
  readonly recordings: Pick<Recordings, 'linked' | 'published'>
  readonly rejected: RejectedRequests
  /** Absent: all requests are kept that have to be. */
  readonly keptBudgets?: KeptBudgets | undefined
  readonly metrics: Pick<NormalizerMetrics, 'requestRejected' | 'webhookIgnored'>
  readonly logger: Logger
}

/** A verdict of the provider, or a rejection of our own. */
export type Judgement = Verdict | Rejected
type Rejected = { readonly kind: 'rejected' } & Rejection

export function rejection(reason: KeptReason, detail: string): Rejected {
  return { kind: 'rejected', reason, detail }
}

export interface Judged {
  readonly webhook: Webhook
  readonly source: Source
  readonly provider: Provider<unknown>
  readonly judgements: readonly Judgement[]
}

/** What became of one judgement. */
type Effect =
  | {
      readonly kind: 'published' | 'spooled' | 'repeated'
      readonly eventId: string
      readonly providerCallId: string
    }
  | { readonly kind: 'held'; readonly providerCallId: string }
  /** A leg that had no other place: raw in the topic of rejected requests. */
  | ({ readonly kind: 'kept' } & Rejection)
  | Extract<Verdict, { kind: 'ignored' | 'answer' }>
  | Rejected

export async function actOnVerdicts(judged: Judged, options: ActOptions): Promise<WebhookResult> {
  const { webhook, source, provider, judgements } = judged
  const unauthorized = judgements.find((judgement) => judgement.kind === 'unauthorized')
  if (unauthorized) return { ...unauthorized, source }
  const effects = await Promise.all(
    judgements.map((judgement) => effectOf(judgement, judged, options)),
  )
  // Once per request: the record holds all of it. By what waits, or nobody would bring that in.
  const raw =
    effects.find((effect) => effect.kind === 'kept') ??
    effects.find((effect) => effect.kind === 'rejected')
  const limited = raw && options.keptBudgets?.take(webhook, source, raw.reason)
  if (raw && !limited) await options.rejected.keep(webhook, source, raw)
  count(effects, provider.name, options.metrics)
  const result = resultOf(effects, source, provider)
  if (!limited) return result
  // A part of a call has to come again. Calls beside what cannot be read are in the log: answered
  // 429, they would come again, and count for nothing.
  if (raw.kind === 'kept' || result.kind === 'rejected') return { ...limited, source }
  const { id: sourceId, workspaceId } = source
  const facts = { sourceId, workspaceId, reason: limited.reason }
  options.logger.warn(facts, 'rejected_request.not_kept')
  return result
}

const NO_ROOM = {
  session_full: 'its session is full',
  sessions_full: 'its workspace has as many open sessions as it may',
} as const

async function effectOf(
  judgement: Judgement,
  judged: Judged,
  options: ActOptions,
): Promise<Effect> {
  const { source } = judged
  switch (judgement.kind) {
    case 'event':
      return publishCall(judgement.call, judged, options)
    case 'leg':
      try {
        const kind = await options.sessions.hold(source, judgement.held)
        const { sessionId: providerCallId } = judgement.held
        return kind === 'held' ? { kind, providerCallId } : rejection(kind, NO_ROOM[kind])
      } catch (error) {
        if (error instanceof DatabaseAwayError) {
          return { ...rejection('held_legs_unavailable', 'it is a part of a call'), kind: 'kept' }
        }
        const refusal = refusalOf(error)
        if (refusal === null) throw error
        return rejection(refusal.reason, refusal.detail)
      }
    case 'unauthorized':
      throw new Error('unauthorized requests are answered before anything is done')
    case 'ignored':
    case 'answer':
    case 'rejected':
      return judgement
  }
}

async function publishCall(
  call: CallFacts,
  { source, webhook: { trace } }: Judged,
  { publisher, recordings, logger }: ActOptions,
): Promise<Effect> {
  try {
    const event = identify(recordings.linked(call, source), source.workspaceId)
    const { kind, eventId } = await publisher.publish(event, null, trace)
    if (kind === 'published' || kind === 'spooled') await recordings.published(event)
    const { providerCallId } = event
    return { kind: kind === 'conflict' ? 'repeated' : kind, eventId, providerCallId }
  } catch (error) {
    const refusal = refusalOf(error)
    if (refusal === null) throw error
    const { reason, detail } = refusal
    const facts = { sourceId: source.id, reason, err: error, ...traceIds(trace) }
    // `row.refused` has told of it where it was set aside.
    if (reason === 'row_refused') return rejection(reason, detail)
    if (reason === 'too_large') logger.warn(facts, 'event.too_large')
    else logger.error(facts, reason === 'mapping_failed' ? 'mapping.failed' : 'event.refused')
    return rejection(reason, detail)
  }
}

function count(effects: readonly Effect[], provider: string, metrics: ActOptions['metrics']): void {
  for (const effect of effects) {
    if (effect.kind === 'rejected' || effect.kind === 'kept') {
      metrics.requestRejected(provider, effect.reason)
    }
    if (effect.kind === 'ignored') metrics.webhookIgnored(provider, effect.reason)
    if (effect.kind === 'answer') metrics.webhookIgnored(provider, 'lookup')
  }
}

/** What counts most decides: a call, then a question, then a rejection, then what is ignored. */
function resultOf(
  effects: readonly Effect[],
  source: Source,
  { acknowledgement }: Provider<unknown>,
): WebhookResult {
  const eventIds = effects.flatMap((effect) => ('eventId' in effect ? [effect.eventId] : []))
  const done = (['published', 'spooled', 'held', 'kept', 'repeated'] as const).find((kind) =>
    effects.some((effect) => effect.kind === kind),
  )
  if (done) {
    const providerCallIds = effects.flatMap((effect) =>
      'providerCallId' in effect ? [effect.providerCallId] : [],
    )
    return { kind: done, source, acknowledgement, eventIds, providerCallIds }
  }
  const question = effects.find((effect) => effect.kind === 'answer')
  if (question) return { kind: 'answered', source, body: question.body }
  const rejected = effects.find((effect) => effect.kind === 'rejected')
  if (rejected) return { ...rejected, source }
  const reason = effects.find((effect) => effect.kind === 'ignored')?.reason
  return { kind: 'ignored', source, acknowledgement, eventIds, ...(reason && { reason }) }
}
