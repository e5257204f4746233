import { describe, expect, it } from 'vitest'
import { createPublisher, fingerprintOf } from '../../../services/normalizer/publisher.ts'
import { SpoolRefusedError } from '../../../services/normalizer/spool/spool.ts'
import { type CallEvent, identify } from '../../../services/shared/call-event.ts'
import { ProduceError } from '../../../services/shared/kafka/produce-error.ts'
import type { Tracing } from '../../../services/shared/tracing.ts'
import {
  callFacts,
  encoder,
  logInMemory,
  memoryOfEvents,
  safeLog,
} from '../../support/normalizer-fakes.ts'
import { recordSpans } from '../../support/span-recorder.ts'

function aPublisher(tracing: Tracing | null = null) {
  const log = logInMemory()
  const known = memoryOfEvents()
  const events: CallEvent[] = []
  const publisher = createPublisher({
    topic: 'calls.events',
    encoder,
    log: safeLog(log),
    known,
    tracing,
    onPublished: (event) => events.push(event),
  })
  return { publisher, log, known, events }
}

const pending = callFacts({ recordingStatus: 'pending' })
const available = callFacts({ recordingStatus: 'available', recordingUrl: 'https://rec.test/1' })
const event = identify(pending, 'ws_1')

describe('publisher', () => {
  it('puts an event into the log under its workspace and remembers it', async () => {
    const { publisher, log, known } = aPublisher()

    const published = await publisher.publish(event)

    expect(published).toEqual({ kind: 'published', eventId: event.eventId })
    expect(log.records).toMatchObject([{ topic: 'calls.events', key: 'ws_1' }])
    expect(known.recorded).toMatchObject([{ eventId: event.eventId, recordingStatus: 'pending' }])
  })

  it('publishes a repeated webhook once', async () => {
    const { publisher, events } = aPublisher()

    await publisher.publish(event)

    expect(await publisher.publish(event)).toEqual({ kind: 'repeated', eventId: event.eventId })
    expect(events).toHaveLength(1)
  })

  it('publishes once what arrives twice in the same moment', async () => {
    const { publisher, events, known } = aPublisher()
    // Not even the memory helps here: neither is recorded when the other is looked up.
    known.away = true

    const both = await Promise.all([publisher.publish(event), publisher.publish(event)])

    expect(both.map(({ kind }) => kind)).toEqual(['published', 'repeated'])
    expect(events).toHaveLength(1)
  })

  it('tells once that the recording is ready when a repeat knows it', async () => {
    const { publisher, events } = aPublisher()
    await publisher.publish(event)

    const told = identify(available, 'ws_1')
    const outcomes = [await publisher.publish(told), await publisher.publish(told)]

    expect(outcomes.map(({ kind }) => kind)).toEqual(['published', 'repeated'])
    expect(events.map((each) => each.event)).toEqual(['call.completed', 'call.recording_ready'])
    expect(events[1]).toMatchObject({ callId: event.callId, recordingUrl: 'https://rec.test/1' })
    expect(events[1]?.eventId).not.toBe(event.eventId)
  })

  it('tells of the recording even if both versions arrive in the same moment', async () => {
    const { publisher, events } = aPublisher()

    await Promise.all([publisher.publish(event), publisher.publish(identify(available, 'ws_1'))])

    expect(events.map((each) => each.event)).toEqual(['call.completed', 'call.recording_ready'])
  })

  it('does not announce a recording that the first version had', async () => {
    const { publisher, events } = aPublisher()
    await publisher.publish(identify(available, 'ws_1'))

    await publisher.publish(identify(available, 'ws_1'))

    expect(events).toHaveLength(1)
  })

  it('fails with the log, and publishes when the webhook comes again', async () => {
    const { publisher, log, known } = aPublisher()
    log.failing = new ProduceError('away')
    await expect(publisher.publish(event)).rejects.toThrow(SpoolRefusedError)
    expect(known.recorded).toEqual([])

    log.failing = null

    expect(await publisher.publish(event)).toMatchObject({ kind: 'published' })
  })

  it('names a conflict when the same id comes with other facts', async () => {
    const { publisher, events } = aPublisher()
    await publisher.publish(event, fingerprintOf(pending))

    const same = await publisher.publish(
      event,
      fingerprintOf(callFacts({ recordingStatus: 'pending' })),
    )
    const other = await publisher.publish(event, fingerprintOf(available))

    expect([same.kind, other.kind]).toEqual(['repeated', 'conflict'])
    expect(events).toHaveLength(1)
  })

  it('calls facts that the schema cannot hold by their name', async () => {
    const { publisher } = aPublisher()
    const broken = { ...event, duration: 1.5 }

    await expect(publisher.publish(broken)).rejects.toMatchObject({ name: 'UnencodableError' })
  })
})

describe('publication with traces on', () => {
  const cause = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` }

  it('is a span of the request, and its record carries it', async () => {
    const tracing = recordSpans()
    const { publisher, log } = aPublisher(tracing)

    await publisher.publish(event, null, cause)

    expect(tracing.spans).toMatchObject([{ name: 'send calls.events', parent: cause }])
    expect(log.records).toMatchObject([{ headers: { ...tracing.spans[0]?.span.context } }])
    expect(tracing.spans[0]?.ended).toEqual({ attributes: {}, errorType: undefined })
  })

  it('that tells of a recording belongs to the request that told it', async () => {
    const tracing = recordSpans()
    const { publisher } = aPublisher(tracing)
    await publisher.publish(event)

    await publisher.publish(identify(available, 'ws_1'), null, cause)

    expect(tracing.spans.map(({ parent }) => parent)).toEqual([undefined, cause])
  })

  it('says of a record that neither Kafka nor the spool took that it failed', async () => {
    const tracing = recordSpans()
    const { publisher, log } = aPublisher(tracing)
    log.failing = new ProduceError('away')

    await expect(publisher.publish(event)).rejects.toThrow(SpoolRefusedError)

    expect(tracing.spans[0]?.ended).toMatchObject({ errorType: 'kafka' })
  })

  it('leaves no header when they are off', async () => {
    const { publisher, log } = aPublisher()

    await publisher.publish(event)

    expect(log.records[0]).not.toHaveProperty('headers')
  })
})
