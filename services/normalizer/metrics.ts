import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client'
import { type CallEvent, type EventProvider, PROVIDER_NAMES } from '../shared/call-event.ts'
import { tellPartitions } from '../shared/kafka/partitions-gauge.ts'
import type { IgnoredReason } from './providers/provider.ts'
import { LIMIT_REASONS, type LimitReason } from './rate-limited.ts'
import type { RecordingOutcome } from './recordings/recording-answers.ts'
import type { CheckOutcome } from './recordings/recording-checks.ts'
import type { KeptReason } from './rejected-requests.ts'

/** All metrics of the normalizer. Labels come from closed sets; none names a workspace. */

/** How a request to the door ended; the README tells what to do about each. */
export const WEBHOOK_OUTCOMES = [
  'published',
  'spooled',
  'repeated',
  'held',
  'kept',
  'ignored',
  'answered',
  'rejected',
  'conflict',
  'unauthorized',
  'forbidden',
  'unknown_source',
  'method_not_allowed',
  'too_large',
  'unsupported',
  'rate_limited',
  'malformed',
  'unavailable',
] as const

export type WebhookOutcome = (typeof WEBHOOK_OUTCOMES)[number]

export interface NormalizerMetrics {
  readonly registry: Registry
  webhookReceived(provider: string, outcome: WebhookOutcome): void
  eventPublished(event: CallEvent, seconds: number): void
  requestRejected(provider: string, reason: KeptReason): void
  webhookLimited(provider: string, reason: LimitReason): void
  webhookIgnored(provider: string, reason: IgnoredReason | 'lookup'): void
  recognitionSkipped(step: 'lookup' | 'record'): void
  recordingAsked(provider: EventProvider | 'unknown', outcome: RecordingOutcome): void
  recordingChecked(provider: EventProvider, outcome: CheckOutcome): void
}

const UNKNOWN = 'unknown'
const PROVIDERS: readonly string[] = [...PROVIDER_NAMES, 'first-party', UNKNOWN]

/** What a stranger wrote into the address must not become a label. */
function providerLabel(provider: string): string {
  return PROVIDERS.includes(provider) ? provider : UNKNOWN
}

/** Dense around 15 ms (healthy), 200 ms, 1 s and 5 s, when the provider has long had its 503. */
const PUBLISH_SECONDS = [0.002, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5]

/** `partitions` of the events topic. */
export function createMetrics(partitions: number): NormalizerMetrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const received = new Counter({
    name: 'callwebhook_webhooks_received_total',
    help: 'Requests of providers and first-party producers by how they ended: do webhooks arrive, and are they taken?',
    labelNames: ['provider', 'result'],
    registers,
  })
  // From 0 on: the first refused webhook has to show in `increase()`, and a provider that falls silent
  // has to be there to be missed.
  for (const provider of PROVIDERS) {
    for (const result of WEBHOOK_OUTCOMES) received.inc({ provider, result }, 0)
  }
  const published = new Counter({
    name: 'callwebhook_events_published_total',
    help: 'Events that Kafka acknowledged: how many calls go out?',
    labelNames: ['provider', 'event'],
    registers,
  })
  const publishSeconds = new Histogram({
    name: 'callwebhook_publish_seconds',
    help: 'From a readable event to the acknowledgement of Kafka: is Kafka slow?',
    buckets: PUBLISH_SECONDS,
    registers,
  })
  const rejected = new Counter({
    name: 'callwebhook_events_rejected_total',
    help: 'Requests that could not be normalized and are kept raw: did a provider change its format?',
    labelNames: ['provider', 'reason'],
    registers,
  })
  const ignored = new Counter({
    name: 'callwebhook_webhooks_ignored_total',
    help: 'Acknowledged on purpose without an event (ringing, tests, faxes, questions): what do we leave out?',
    labelNames: ['provider', 'reason'],
    registers,
  })
  const skipped = new Counter({
    name: 'callwebhook_recognition_skipped_total',
    help: 'Events not looked up or not recorded because Postgres was away: can customers see repeats?',
    labelNames: ['step'],
    registers,
  })
  for (const step of ['lookup', 'record']) skipped.inc({ step }, 0)
  const limited = limitedCounter(registers)
  tellPartitions(registry, partitions)
  const { recordings, checks } = recordingCounters(registers)
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
    webhookLimited: (provider, reason) => {
      limited.inc({ provider: providerLabel(provider), reason })
    },
    webhookIgnored: (provider, reason) => ignored.inc({ provider, reason }),
    recognitionSkipped: (step) => skipped.inc({ step }),
    recordingAsked: (provider, result) => recordings.inc({ provider, result }),
    recordingChecked: (provider, result) => checks.inc({ provider, result }),
  }
}

function limitedCounter(registers: Registry[]) {
  const limited = new Counter({
    name: 'callwebhook_webhooks_limited_total',
    help: 'Requests answered with 429 by what their sender used up: does somebody send more than its share?',
    labelNames: ['provider', 'reason'],
    registers,
  })
  for (const provider of PROVIDERS) {
    for (const reason of LIMIT_REASONS) limited.inc({ provider, reason }, 0)
  }
  return limited
}

function recordingCounters(registers: Registry[]) {
  const recordings = new Counter({
    name: 'callwebhook_recordings_total',
    help: 'Requests for a recording by how they ended.',
    labelNames: ['provider', 'result'],
    registers,
  })
  const checks = new Counter({
    name: 'callwebhook_recording_checks_total',
    help: 'Looks for a recording whose file comes after the call, by what became of them.',
    labelNames: ['provider', 'result'],
    registers,
  })
  return { recordings, checks }
}
