import { createHash } from 'node:crypto'
import { type CallEvent, type CallFacts, type EventKind, identify } from '../shared/call-event.ts'
import type { CallEventEncoder } from '../shared/call-event-codec.ts'
import type { LogProducer } from '../shared/kafka/producer.ts'
import type { KnownEvent } from '../shared/postgres/published-events.ts'
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
   *
   * @throws ProduceError when Kafka did not acknowledge: try again, or tell the sender to.
   * @throws UnencodableError when a field has not the type of the schema: a bug in a mapping.
   */
  publish(event: CallEvent, fingerprint?: Buffer): Promise<Published>
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
  async function oneAtATime(event: CallEvent, fingerprint: Buffer | null): Promise<Published> {
    const { eventId } = event
    const before = underWay.get(eventId)
    const outcome = recognizeAndPublish(event, fingerprint, before)
    const after = outcome.then(({ known }) => known).catch(() => null)
    underWay.set(eventId, after)
    try {
      return (await outcome).published
    } finally {
      if (underWay.get(eventId) === after) underWay.delete(eventId)
    }
  }

  async function recognizeAndPublish(
    event: CallEvent,
    fingerprint: Buffer | null,
    before: Promise<KnownEvent | null> | undefined,
  ): Promise<{ published: Published; known: KnownEvent }> {
    const { eventId } = event
    const known = (await before) ?? (await options.known.find(eventId))
    if (known === null) {
      await append(event, fingerprint)
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
      return { published: await oneAtATime(ready, null), known }
    }
    return { published: { kind: 'repeated', eventId }, known }
  }

  async function append(event: CallEvent, fingerprint: Buffer | null): Promise<void> {
    const startedMs = performance.now()
    const value = encode(options.encoder, event)
    await options.producer.send({ topic: options.topic, key: event.workspaceId, value })
    options.onPublished(event, (performance.now() - startedMs) / 1000)
    // Before the answer: a repeat that reaches another replica right after it is recognized.
    await options.known.record({ ...event, fingerprint })
  }

  return { publish: (event, fingerprint) => oneAtATime(event, fingerprint ?? null) }
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
