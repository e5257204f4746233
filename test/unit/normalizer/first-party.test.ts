import { describe, expect, it } from 'vitest'
import { createAcceptFirstParty } from '../../../services/normalizer/accept-first-party.ts'
import { createPublisher } from '../../../services/normalizer/publisher.ts'
import { type CallEvent, identify } from '../../../services/shared/call-event.ts'
import { ProduceError } from '../../../services/shared/kafka/produce-error.ts'
import {
  callFacts,
  encoder,
  logInMemory,
  memoryOfEvents,
  safeLog,
  spoolThatRefusesRows,
} from '../../support/normalizer-fakes.ts'

const ORDER = {
  event: 'order.created',
  provider: 'binotel',
  providerCallId: '4683310794',
  order: { id: '17', amount: 1250.5, currency: 'UAH' },
}
const known = identify(callFacts(), 'ws_1')

function setUp(spool?: Parameters<typeof safeLog>[1]) {
  const log = logInMemory()
  const events: CallEvent[] = []
  const publisher = createPublisher({
    topic: 'calls.events',
    encoder,
    log: safeLog(log, spool),
    known: memoryOfEvents(),
    onPublished: (event) => events.push(event),
  })
  const accept = createAcceptFirstParty({
    findCall: async ({ callId }) => (callId === known.callId ? known : null),
    publisher,
  })
  const post = (body: unknown, overrides: Partial<Parameters<typeof accept>[0]> = {}) =>
    accept({
      workspaceId: 'ws_1',
      idempotencyKey: undefined,
      contentType: 'application/json',
      body: Buffer.from(JSON.stringify(body)),
      ...overrides,
    })
  return { events, log, post }
}

describe('first-party events', () => {
  it('publishes an event about a call that the provider names', async () => {
    const { events, post } = setUp()

    const result = await post(ORDER)

    expect(result).toMatchObject({ kind: 'published', callId: known.callId })
    expect(events[0]).toMatchObject({
      event: 'order.created',
      provider: 'binotel',
      workspaceId: 'ws_1',
    })
    expect(events[0]?.order).toEqual({
      id: '17',
      number: null,
      amount: 1250.5,
      currency: 'UAH',
      status: null,
      url: null,
    })
  })

  it('finds the call by our own id of it', async () => {
    const { events, post } = setUp()
    const { order } = ORDER

    const result = await post({ event: 'order.created', callId: known.callId, order })

    expect(result).toMatchObject({ kind: 'published', callId: known.callId })
    expect(events[0]).toMatchObject({ provider: 'binotel', providerCallId: '4683310794' })
  })

  it('tells that a recording is available when its address is told', async () => {
    const { events, post } = setUp()
    const recordingUrl = 'https://rec.test/a?b=%20c'

    await post({ ...ORDER, event: 'call.recording_ready', order: null, recordingUrl })

    expect(events[0]).toMatchObject({ recordingStatus: 'available', recordingUrl })
  })

  it.each([
    ['0001-01-01T00:00:00Z', '1970-01-01T00:00:00Z'],
    ['0001-01-01T00:00:00+03:00', '1970-01-01T00:00:00Z'],
    ['1969-12-31T23:59:59.999Z', '1970-01-01T00:00:00Z'],
    ['2026-05-26T13:57:59+03:00', '2026-05-26T10:57:59Z'],
  ])('takes the time %s for %s', async (startedAt, told) => {
    const { events, post } = setUp()

    expect(await post({ ...ORDER, startedAt })).toMatchObject({ kind: 'published' })
    expect(events).toMatchObject([{ startedAt: told }])
  })

  it.each(['0000-01-01T00:00:00Z', '9999-12-31T23:59:59Z', '2100-01-01T00:00:00Z'])(
    'refuses the time %s',
    async (answeredAt) => {
      const errors = [
        { path: 'answeredAt', message: 'must be a time between the years 1 and 2100' },
      ]

      expect(await setUp().post({ ...ORDER, answeredAt })).toEqual({ kind: 'rejected', errors })
    },
  )

  it.each(['x'.repeat(256), 'a\nb', 'a\uFFFDb'])(
    'refuses an id that nobody can hold',
    async (id) => {
      expect(await setUp().post({ ...ORDER, providerCallId: id })).toMatchObject({
        kind: 'rejected',
        errors: [{ path: 'providerCallId' }],
      })
    },
  )

  it('refuses an event that the log does not take, and stores nothing', async () => {
    const { events, log, post } = setUp()
    log.refusing = { topic: 'calls.events', reason: 'too_large' }

    expect(await post(ORDER)).toMatchObject({ kind: 'rejected', reason: 'too_large' })
    expect(events).toEqual([])
  })

  it('refuses an event whose row Postgres does not take while Kafka is away', async () => {
    const { events, log, post } = setUp(spoolThatRefusesRows())
    log.failing = new ProduceError('away')

    expect(await post(ORDER)).toEqual({
      kind: 'rejected',
      reason: 'row_refused',
      errors: [{ path: '', message: 'our database cannot hold what it says' }],
    })
    expect(events).toEqual([])
  })

  it('answers a repeat with the same ids and publishes once', async () => {
    const { events, post } = setUp()

    const first = await post(ORDER)
    const second = await post(ORDER)

    expect(second).toEqual({ ...first, kind: 'repeated' })
    expect(events).toHaveLength(1)
  })

  it('refuses another event under the same id instead of dropping it', async () => {
    const { post } = setUp()
    await post(ORDER)

    expect(await post({ ...ORDER, order: { id: '18' } })).toMatchObject({ kind: 'conflict' })
  })

  it('gives the same id to the same key, and another one to another key', async () => {
    const { events, post } = setUp()
    const other = { ...ORDER, order: { id: '18' } }

    const first = await post(ORDER, { idempotencyKey: 'a' })
    const again = await post(ORDER, { idempotencyKey: 'a' })
    const second = await post(other, { idempotencyKey: 'b' })
    const misused = await post(other, { idempotencyKey: 'a' })

    expect(again).toEqual({ ...first, kind: 'repeated' })
    expect(second).toMatchObject({ kind: 'published', callId: known.callId })
    expect(misused).toMatchObject({ kind: 'conflict' })
    expect(new Set(events.map(({ eventId }) => eventId)).size).toBe(2)
  })

  it.each([
    ['a body that is no JSON or form', { contentType: 'image/png' }, 'unsupported'],
    ['a key of blanks', { idempotencyKey: ' ' }, 'rejected'],
  ])('refuses %s', async (_, overrides, kind) => {
    const { events, post } = setUp()

    expect(await post(ORDER, overrides)).toMatchObject({ kind })
    expect(events).toEqual([])
  })

  it.each<[string, unknown, readonly string[]]>([
    ['no object', [], ['']],
    ['an empty object', {}, ['event']],
    ['an unknown kind', { ...ORDER, event: 'call.ringing' }, ['event']],
    ['no call', { event: 'order.created', order: { id: '1' } }, ['providerCallId']],
    [
      'a call that is not known',
      { event: 'order.created', callId: `call_${'0'.repeat(32)}`, order: { id: '1' } },
      ['callId'],
    ],
    ['two calls at once', { ...ORDER, callId: `call_${'0'.repeat(32)}` }, ['callId']],
    ['an order without order', { ...ORDER, order: null }, ['order']],
    [
      'wrong fields, each by its path',
      { ...ORDER, order: { id: 1, url: 'javascript:1', x: 1 }, duration: 1.5, y: 1 },
      ['duration', 'order.id', 'order.url', 'order.x', 'y'],
    ],
    ['a time without offset', { ...ORDER, startedAt: '2026-05-26 13:57:59' }, ['startedAt']],
    [
      'a wrong leg',
      { ...ORDER, legs: [{ status: 'answered' }, { status: 'maybe' }] },
      ['legs.1.status'],
    ],
  ])('names what is wrong with %s', async (_, body, paths) => {
    const { post } = setUp()

    const result = await post(body)

    expect(result.kind).toBe('rejected')
    const errors = result.kind === 'rejected' && 'errors' in result ? result.errors : []
    expect(errors.map(({ path }) => path).toSorted()).toEqual(paths)
  })
})
