import { createHash } from 'node:crypto'
import { type CallEvent, type CallFacts, type EventKind, identify } from '../shared/call-event.ts'
import type { CallEventEncoder } from '../shared/call-event-codec.ts'
import type { LogProducer } from '../shared/kafka/producer.ts'
import type { KnownEvent } from '../shared/postgres/published-events.ts'
import type { TraceContext } from '../shared/trace-context.ts'
import type { Span, Tracing } from '../shared/tracing.ts'
import type { KnownEvents } from './known-events.ts'

/**
 * Brings events into the log, each once: look up → produce → record.
 *
 * In this order, so that a crash in between publishes an event again instead of losing it. What
 * the answer to the provider rests on is Kafka's acknowledgement alone.
 */
export type Published =
  /** In the log now. */
  | { readonly kind: 'published'; readonly eventId: string }
  /** In the log since an earlier webhook. */
  | { readonly kind: 'repeated'; readonly eventId: string }
  /** In the log with other facts; only told where the caller gave a fingerprint. */
  | { readonly kind: 'conflict'; readonly eventId: string }

export interface Publisher {
  /**
   * Pass a `fingerprint` where one event id can come with different facts, to learn that it did.
   * `cause`: the request that told of the event; the publication is a span of its trace.
   *
   * @throws ProduceError when Kafka did not acknowledge: try again, or tell the sender to.
   * @throws UnencodableError when a field has not the type of the schema: a bug in a mapping.
   */
  publish(event: CallEvent, fingerprint?: Buffer | null, cause?: TraceContext): Promise<Published>
}

/** Facts that the schema cannot hold. Trying again does not help; the raw request is kept. */
export class UnencodableError extends Error {
  override readonly name = 'UnencodableError'
}

export interface PublisherOptions {
  readonly topic: string
  readonly encoder: CallEventEncoder
  readonly producer: Pick<LogProducer, 'send'>
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
    const known = (await before) ?? (await options.known.find(eventId))
    if (known === null) {
      await append(publication)
      const { recordingStatus } = event
      return {
        published: { kind: 'published', eventId },
        known: { eventId, recordingStatus, fingerprint },
      }
    }
    if (fingerprint !== null && !known.fingerprint?.equals(fingerprint)) {
      return { published: { kind: 'conflict', eventId }, known }
    }
    if (fingerprint === null && tellsOfRecording(event, known)) {
      const ready = withEvent(event, 'call.recording_ready')
      return { published: await oneAtATime({ ...publication, event: ready }), known }
    }
    return { published: { kind: 'repeated', eventId }, known }
  }

  async function append({ event, fingerprint, cause }: Publication): Promise<void> {
    const startedMs = performance.now()
    const value = encode(options.encoder, event)
    await produce(event, value, cause)
    options.onPublished(event, (performance.now() - startedMs) / 1000)
    // Before the answer: a repeat that reaches another replica right after it is recognized.
    await options.known.record({ ...event, fingerprint })
  }

  async function produce(event: CallEvent, value: Buffer, cause?: TraceContext): Promise<void> {
    const { producer, topic, tracing } = options
    const record = { topic, key: event.workspaceId, value }
    if (!tracing) {
      await producer.send(record)
      return
    }
    const span = startPublishSpan(tracing, { event, topic, cause })
    try {
      await producer.send({ ...record, headers: { ...span.context } })
      span.end({})
    } catch (error) {
      span.end({}, 'kafka')
      throw error
    }
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

/** The repeat knows a recording that the published event did not: the customer waits for it. */
function tellsOfRecording(event: CallEvent, known: KnownEvent): boolean {
  return (
    event.event === 'call.completed' &&
    event.recordingStatus === 'available' &&
    known.recordingStatus !== 'available'
  )
}

function withEvent(facts: CallEvent, event: EventKind): CallEvent {
  return identify({ ...facts, event }, facts.workspaceId)
}

function encode(encoder: CallEventEncoder, event: CallEvent): Buffer {
  try {
    return encoder.encode(event)
  } catch (error) {
    throw new UnencodableError('the schema cannot hold these facts', { cause: error })
  }
}
