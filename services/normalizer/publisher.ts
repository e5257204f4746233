import { createHash } from 'node:crypto'
import type { CallEvent, CallFacts } from '../shared/call-event.ts'
import type { CallEventEncoder } from '../shared/call-event-codec.ts'
import type { LogRecord } from '../shared/kafka/producer.ts'
import { EVENT_BYTES_MAX } from '../shared/kafka/record-size.ts'
import type { KnownEvent } from '../shared/postgres/published-events.ts'
import type { TraceContext } from '../shared/trace-context.ts'
import type { Span, Tracing } from '../shared/tracing.ts'
import { EventTooLargeError, UnencodableError } from './event-refusal.ts'
import type { KnownEvents } from './known-events.ts'
import { recognize } from './recognize.ts'
import type { SafeLog } from './spool/safe-log.ts'

/**
 * Brings events into the log, each once: look up → produce → record. What Kafka cannot take waits
 * in the spool, and with it what comes after it in its workspace.
 *
 * In this order, so that a crash in between publishes an event again instead of losing it. What
 * the answer to the provider rests on is Kafka's acknowledgement, or the spool's commit.
 */
export type Published =
  /** In the log now. */
  | { readonly kind: 'published'; readonly eventId: string }
  /** In the spool, from where it goes into the log. */
  | { readonly kind: 'spooled'; readonly eventId: string }
  /** In the log, or in the spool, since an earlier webhook. */
  | { readonly kind: 'repeated'; readonly eventId: string }
  /** In the log with other facts; only told where the caller gave a fingerprint. */
  | { readonly kind: 'conflict'; readonly eventId: string }

export interface Publisher {
  /**
   * Pass a `fingerprint` where one event id can come with different facts, to learn that it did.
   * `cause`: the request that told of the event; the publication is a span of its trace.
   *
   * @throws SpoolRefusedError when neither Kafka nor the spool takes it: tell the sender to try again.
   * @throws UnencodableError when a field has not the type of the schema: a bug in a mapping.
   * @throws EventTooLargeError when it would not fit everywhere that an event may have to go.
   * @throws RecordRefusedError when Kafka does not take it for what it is.
   * @throws RowRefusedError when Kafka is away, and Postgres does not take it for what it is.
   *   `refusalOf` tells these four, after which nothing was stored, from an outage.
   */
  publish(event: CallEvent, fingerprint?: Buffer | null, cause?: TraceContext): Promise<Published>
}

export interface PublisherOptions {
  readonly topic: string
  readonly encoder: CallEventEncoder
  readonly log: SafeLog
  readonly known: KnownEvents
  /** Null or absent: off. */
  readonly tracing?: Tracing | null | undefined
  readonly onPublished: (event: CallEvent, seconds: number) => void
}

/** The same for the same facts, whoever sends them. */
export function fingerprintOf(facts: CallFacts): Buffer {
  return createHash('sha256').update(JSON.stringify(facts)).digest()
}

export function createPublisher(options: PublisherOptions): Publisher {
  /** What is known of an event once the publication under way has ended. */
  const underWay = new Map<string, Promise<KnownEvent | null>>()

  /**
   * Two webhooks about one event in the same moment: neither is in Postgres yet, so the second
   * one waits for the first and judges by what that one published.
   */
  async function oneAtATime(publication: Publication): Promise<Published> {
    const { eventId } = publication.event
    const before = underWay.get(eventId)
    const outcome = recognizeAndPublish(publication, before)
    const after = outcome.then(({ known }) => known).catch(() => null)
    underWay.set(eventId, after)
    try {
      return (await outcome).published
    } finally {
      if (underWay.get(eventId) === after) underWay.delete(eventId)
    }
  }

  async function recognizeAndPublish(
    publication: Publication,
    before: Promise<KnownEvent | null> | undefined,
  ): Promise<{ published: Published; known: KnownEvent }> {
    const { event, fingerprint } = publication
    const { eventId } = event
    const earlier = await before
    const sight = await options.known.find(event)
    const known = earlier ?? sight.known
    const recognized = recognize(event, fingerprint, known)
    if (known === null) {
      const kind = await append(publication, sight.isQueued)
      const { recordingStatus } = event
      return { published: { kind, eventId }, known: { eventId, recordingStatus, fingerprint } }
    }
    if (recognized.kind === 'recording') {
      return {
        published: await oneAtATime({ ...publication, event: recognized.ready, fingerprint: null }),
        known,
      }
    }
    const kind = recognized.kind === 'conflict' ? 'conflict' : 'repeated'
    return { published: { kind, eventId }, known }
  }

  async function append({ event, fingerprint, cause }: Publication, isQueued: boolean) {
    const { topic, tracing, log } = options
    const startedMs = performance.now()
    const record = toRecord(event, options)
    const span = tracing ? startPublishSpan(tracing, { event, topic, cause }) : null
    const trace = span?.context
    const entry = { kind: 'event', event, fingerprint, trace } as const
    const placed = await log
      .place({ entry, record: withTrace(record, trace), isQueued })
      .catch((error: unknown) => {
        span?.end({}, 'kafka')
        throw error
      })
    span?.end(placed === 'spooled' ? { 'callwebhook.spooled': true } : {})
    if (placed === 'spooled') return placed
    options.onPublished(event, (performance.now() - startedMs) / 1000)
    // Before the answer: a repeat that reaches another replica right after it is recognized.
    await options.known.record({ ...event, fingerprint })
    return 'published'
  }

  return {
    publish: (event, fingerprint = null, cause = undefined) =>
      oneAtATime({ event, fingerprint, cause }),
  }
}

interface Publication {
  readonly event: CallEvent
  readonly fingerprint: Buffer | null
  readonly cause: TraceContext | undefined
}

function startPublishSpan(
  tracing: Tracing,
  { event, topic, cause }: Omit<Publication, 'fingerprint'> & { readonly topic: string },
): Span {
  return tracing.start(`send ${topic}`, {
    kind: 'producer',
    parent: cause,
    attributes: {
      'messaging.system': 'kafka',
      'messaging.operation.type': 'send',
      'messaging.operation.name': 'send',
      'messaging.destination.name': topic,
      'callwebhook.webhook_id': event.eventId,
      'callwebhook.event': event.event,
      'callwebhook.workspace_id': event.workspaceId,
      'callwebhook.provider': event.provider,
    },
  })
}

/** The trace goes on with whoever reads the record. */
export function withTrace(record: LogRecord, trace: TraceContext | undefined): LogRecord {
  return trace ? { ...record, headers: { ...trace } } : record
}

/** @throws UnencodableError, EventTooLargeError */
export function toRecord(
  event: CallEvent,
  { topic, encoder }: Pick<PublisherOptions, 'topic' | 'encoder'>,
): LogRecord {
  const value = encode(encoder, event)
  // Here and not where the request comes in: a byte of windows-1251 can be three of UTF-8, a number
  // stands in an event twice, and a call may be put together from many requests.
  if (value.length > EVENT_BYTES_MAX) {
    throw new EventTooLargeError(
      `its event would have ${value.length} bytes, and ${EVENT_BYTES_MAX} fit`,
    )
  }
  return { topic, key: event.workspaceId, value }
}

function encode(encoder: CallEventEncoder, event: CallEvent): Buffer {
  try {
    return encoder.encode(event)
  } catch (error) {
    throw new UnencodableError('the schema cannot hold these facts', { cause: error })
  }
}
