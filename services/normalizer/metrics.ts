import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client'
import { type CallEvent, PROVIDER_NAMES } from '../shared/call-event.ts'
import type { IgnoredReason } from './providers/provider.ts'
import type { KeptReason } from './rejected-requests.ts'

/** All metrics of the normalizer. Labels come from closed sets; none names a workspace. */

/** How a request to the door ended; the README tells what to do about each. */
export type WebhookOutcome =
  | 'published'
  | 'spooled'
  | 'repeated'
  | 'held'
  | 'kept'
  | 'ignored'
  | 'answered'
  | 'rejected'
  | 'conflict'
  | 'unauthorized'
  | 'forbidden'
  | 'unknown_source'
  | 'method_not_allowed'
  | 'too_large'
  | 'unsupported'
  | 'rate_limited'
  | 'malformed'
  | 'unavailable'

export interface NormalizerMetrics {
  readonly registry: Registry
  webhookReceived(provider: string, outcome: WebhookOutcome): void
  eventPublished(event: CallEvent, seconds: number): void
  requestRejected(provider: string, reason: KeptReason): void
  webhookIgnored(provider: string, reason: IgnoredReason | 'lookup'): void
  recognitionSkipped(step: 'lookup' | 'record'): void
}

const NAMED = new Set<string>([...PROVIDER_NAMES, 'first-party'])

/** What a stranger wrote into the address must not become a label. */
function providerLabel(provider: string): string {
  return NAMED.has(provider) ? provider : 'unknown'
}

export function createMetrics(): NormalizerMetrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const received = new Counter({
    name: 'callwebhook_webhooks_received_total',
    help: 'Requests of providers and first-party producers by how they ended.',
    labelNames: ['provider', 'result'],
    registers,
  })
  const published = new Counter({
    name: 'callwebhook_events_published_total',
    help: 'Events that Kafka acknowledged.',
    labelNames: ['provider', 'event'],
    registers,
  })
  const publishSeconds = new Histogram({
    name: 'callwebhook_publish_seconds',
    help: 'Seconds from a readable event to the acknowledgement of Kafka.',
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers,
  })
  const rejected = new Counter({
    name: 'callwebhook_events_rejected_total',
    help: 'Requests that could not be normalized and are kept raw in the rejected topic.',
    labelNames: ['provider', 'reason'],
    registers,
  })
  const ignored = new Counter({
    name: 'callwebhook_webhooks_ignored_total',
    help: 'Acknowledged on purpose without an event: ringing, tests, faxes, questions.',
    labelNames: ['provider', 'reason'],
    registers,
  })
  const skipped = new Counter({
    name: 'callwebhook_recognition_skipped_total',
    help: 'Events not looked up or not recorded because Postgres was away: repeats are possible.',
    labelNames: ['step'],
    registers,
  })
  return {
    registry,
    webhookReceived: (provider, result) => {
      received.inc({ provider: providerLabel(provider), result })
    },
    eventPublished: ({ provider, event }, seconds) => {
      published.inc({ provider, event })
      publishSeconds.observe(seconds)
    },
    requestRejected: (provider, reason) => rejected.inc({ provider, reason }),
    webhookIgnored: (provider, reason) => ignored.inc({ provider, reason }),
    recognitionSkipped: (step) => skipped.inc({ step }),
  }
}
