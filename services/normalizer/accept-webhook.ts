import { hashToken } from '../shared/access-token.ts'
import type { Logger } from '../shared/logger.ts'
import type { SourceTokens } from '../shared/source-token.ts'
import { traceIds } from '../shared/trace-context.ts'
import {
  type ActOptions,
  actOnVerdicts,
  type Judged,
  type Judgement,
  rejection,
  type WebhookResult,
} from './act-on-verdicts.ts'
import { readBody, readQuery } from './body-reader.ts'
import type { CachedLookup } from './cached-lookup.ts'
import type { JsonObject, Provider, ProviderRequest } from './providers/provider.ts'
import type { Source } from './source.ts'
import type { Webhook } from './webhook.ts'

/**
 * The whole use case: who sends → what does it say → make it safe → answer.
 *
 * Whatever is acknowledged is safe: an event in Kafka, a leg in Postgres, and what cannot be
 * normalized, raw, in the topic of rejected requests.
 */
export type AcceptWebhook = (webhook: Webhook) => Promise<WebhookResult>

export interface AcceptWebhookOptions extends ActOptions {
  /** By the hash of the token. */
  readonly sources: Pick<CachedLookup<Source>, 'find'>
  /** Asked when Postgres cannot say whose a token is. */
  readonly tokens: SourceTokens
  /** Null for a name that is no provider, or none that this replica serves. */
  readonly findProvider: (name: string) => Provider<unknown> | null
}

/** Rejects with SpoolRefusedError when something could not be made safe. */
export function createAcceptWebhook(options: AcceptWebhookOptions): AcceptWebhook {
  return async (webhook) => {
    // The token first, also for a provider that does not exist: neither the answer nor its time
    // tells a stranger which of the two was wrong.
    const found = await options.sources.find(hashToken(webhook.token))
    if (found.kind === 'unavailable') return keepUnseen(webhook, options)
    const provider = options.findProvider(webhook.provider)
    if (found.kind === 'unknown' || provider?.name !== found.value.provider) {
      return { kind: 'unknown_source' }
    }
    const source = found.value
    // The lookup may be older than the end of this token.
    const validUntil = source.tokenValidUntil?.getTime() ?? Number.POSITIVE_INFINITY
    if (validUntil <= webhook.receivedAt) return { kind: 'unknown_source' }
    return actOnWebhook({ webhook, source, provider }, options)
  }
}

/**
 * Kept raw, and brought in once Postgres says whether the source is still there. The OK is the plain
 * one: without the source's settings nobody can tell what a provider asks.
 */
async function keepUnseen(
  webhook: Webhook,
  { tokens, findProvider, rejected, keptBudgets, metrics }: AcceptWebhookOptions,
): Promise<WebhookResult> {
  const token = tokens.read(webhook.token)
  if (token.kind === 'unsigned') return { kind: 'unavailable', reason: 'postgres' }
  const provider = findProvider(webhook.provider)
  if (token.kind === 'forged' || provider?.name !== token.source.provider) {
    return { kind: 'unknown_source' }
  }
  const { source } = token
  const reason = 'source_unavailable'
  const limited = keptBudgets?.take(webhook, source, reason)
  const detail = 'its source cannot be looked up'
  if (!limited) await rejected.keep(webhook, source, { reason, detail })
  metrics.requestRejected(provider.name, reason)
  if (limited) return { ...limited, source }
  const { acknowledgement } = provider
  return { kind: 'kept', source, acknowledgement, eventIds: [], reason }
}

/** From here on it does not matter how the source was found. */
export async function actOnWebhook(
  { webhook, source, provider }: Omit<Judged, 'judgements'>,
  options: ActOptions,
): Promise<WebhookResult> {
  const read = readRequest(webhook)
  if (read.kind === 'unsupported') return { kind: read.kind, detail: read.detail, source }
  const judgements =
    read.kind === 'read'
      ? judge(provider, read.request, source, loggerOf(webhook, options.logger))
      : [rejection(read.kind, read.detail)]
  return actOnVerdicts({ webhook, source, provider, judgements }, options)
}

/** So that the line about a request that our mapping failed on leads to its trace. */
function loggerOf({ trace }: Webhook, logger: Logger): Logger {
  return trace ? logger.child({ ...traceIds(trace) }) : logger
}

type RequestRead =
  | { readonly kind: 'read'; readonly request: ProviderRequest }
  | { readonly kind: 'unreadable' | 'too_deep' | 'unsupported'; readonly detail: string }

function readRequest(webhook: Webhook): RequestRead {
  const query = readQuery(webhook.query)
  if (query.kind !== 'parsed') return query
  const body = readBody(webhook.body, webhook.headers['content-type'])
  if (body.kind !== 'parsed') return body
  const { method, eventPath, headers, receivedAt } = webhook
  const fields = query.body as JsonObject
  return {
    kind: 'read',
    request: { method, eventPath, headers, receivedAt, query: fields, body: body.body },
  }
}

function judge(
  provider: Provider<unknown>,
  request: ProviderRequest,
  source: Source,
  logger: Logger,
): readonly Judgement[] {
  try {
    const verdicts = provider.read(request, source.context)
    return verdicts.length > 0 ? verdicts : [rejection('unrecognized', 'there is no call in it')]
  } catch (error) {
    // Providers promise not to throw. If one does, the call is kept until the mapping is mended.
    logger.error({ provider: provider.name, sourceId: source.id, err: error }, 'mapping.failed')
    return [rejection('mapping_failed', 'our mapping failed')]
  }
}
