import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createAcceptWebhook } from '../../../services/normalizer/accept-webhook.ts'
import type { Lookup } from '../../../services/normalizer/cached-lookup.ts'
import { createKeptBudgets } from '../../../services/normalizer/kept-budgets.ts'
import type { HeldLeg, Provider, Verdict } from '../../../services/normalizer/providers/provider.ts'
import { createPublisher } from '../../../services/normalizer/publisher.ts'
import { createRejectedRequests } from '../../../services/normalizer/rejected-requests.ts'
import type { Source } from '../../../services/normalizer/source.ts'
import { SpoolRefusedError } from '../../../services/normalizer/spool/spool.ts'
import type { Webhook } from '../../../services/normalizer/webhook.ts'
import { hashToken } from '../../../services/shared/access-token.ts'
import { ProduceError } from '../../../services/shared/kafka/produce-error.ts'
import { DatabaseAwayError } from '../../../services/shared/postgres/database-guard.ts'
import { RowRefusedError } from '../../../services/shared/postgres/refused-rows.ts'
import type { StoredAs } from '../../../services/shared/postgres/store-legs.ts'
import { keptHeadersPlace } from '../../../services/shared/sealed-places.ts'
import { createSourceTokens, newSourceId } from '../../../services/shared/source-token.ts'
import {
  box,
  callFacts,
  encoder,
  logInMemory,
  memoryOfEvents,
  noRecordings,
  quiet,
  safeLog,
  source,
  stoppedClock,
} from '../../support/normalizer-fakes.ts'

/** A session that Postgres does not take. */
const REFUSED = 'refused'
/** One for which Postgres does not answer. */
const AWAY = 'away'
const EVENTS = 'calls.events'
const REJECTED = 'calls.rejected'

/** Answers the verdicts it is given, whatever it is asked. */
function aProvider(verdicts: () => readonly Verdict[]): Provider<unknown> {
  return {
    name: 'binotel',
    settings: z.unknown(),
    acknowledgement: { contentType: 'text/plain', body: 'OK' },
    read: verdicts,
  }
}

const tokens = createSourceTokens([randomBytes(32)])
const named = { id: newSourceId(), workspaceId: 'ws_9', provider: 'binotel' } as const
const signed = tokens.issue(named)

const event: Verdict = { kind: 'event', call: callFacts() }
const broken: Verdict = { kind: 'event', call: callFacts({ providerCallId: '2', duration: 1.5 }) }
const rejected: Verdict = { kind: 'rejected', reason: 'no_call_id', detail: 'no id' }
const ignored: Verdict = { kind: 'ignored', reason: 'not_final' }
const answer: Verdict = { kind: 'answer', body: { name: null } }
const unauthorized: Verdict = { kind: 'unauthorized', detail: 'wrong password' }
const leg = aLeg({})

function aLeg(ids: Partial<HeldLeg>): Verdict {
  const held = { sessionId: '1.2', legId: '3', leg: {}, closing: true, windowMs: 60_000, ...ids }
  return { kind: 'leg', held }
}

function setUp(
  verdicts: () => readonly Verdict[] = () => [event],
  { rejectedBytesMax = 1_000_000, waitingBytesMax = 1_000_000, stored = 'held' as StoredAs } = {},
) {
  const log = logInMemory()
  const held: HeldLeg[] = []
  const counted: string[] = []
  const lookup: { answer: Lookup<Source> } = { answer: { kind: 'found', value: source } }
  const asked: Buffer[] = []
  const accept = createAcceptWebhook({
    sources: {
      async find(key) {
        asked.push(key)
        return lookup.answer
      },
    },
    tokens,
    findProvider: (name) => (name === 'binotel' ? aProvider(verdicts) : null),
    publisher: createPublisher({
      topic: EVENTS,
      encoder,
      log: safeLog(log),
      known: memoryOfEvents(),
      onPublished: () => {},
    }),
    sessions: {
      async hold(_, part) {
        if (part.sessionId === AWAY) throw new DatabaseAwayError('away')
        if (part.sessionId === REFUSED) throw new RowRefusedError('constraint', '23503')
        held.push(part)
        return stored
      },
    },
    recordings: noRecordings,
    rejected: createRejectedRequests({ log: safeLog(log), topic: REJECTED, box, logger: quiet }),
    keptBudgets: createKeptBudgets({
      rejectedBytesPerDay: rejectedBytesMax,
      waitingBytesPerDay: waitingBytesMax,
      clock: stoppedClock(),
    }),
    metrics: {
      requestRejected: (provider, reason) => counted.push(`rejected ${provider} ${reason}`),
      webhookIgnored: (provider, reason) => counted.push(`ignored ${provider} ${reason}`),
    },
    logger: quiet,
  })
  const send = (overrides: Partial<Webhook> = {}) =>
    accept({
      provider: 'binotel',
      token: 'src_secret',
      eventPath: '',
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      query: '',
      body: Buffer.from('{}'),
      receivedAt: Date.UTC(2026, 10, 24),
      ...overrides,
    })
  const topics = () => log.records.map(({ topic }) => topic)
  return { send, log, topics, held, counted, lookup, asked }
}

describe('accepting a webhook', () => {
  it('takes the token before a rotation until its end, however old the lookup', async () => {
    const { send, lookup } = setUp()
    const end = Date.UTC(2026, 10, 24, 12)
    lookup.answer = { kind: 'found', value: { ...source, tokenValidUntil: new Date(end) } }

    const before = await send({ receivedAt: end - 1 })
    const after = await send({ receivedAt: end })

    expect([before.kind, after.kind]).toEqual(['published', 'unknown_source'])
  })

  it.each<[string, readonly Verdict[], string, readonly string[]]>([
    ['an event', [event], 'published', [EVENTS]],
    [
      'several events',
      [event, { kind: 'event', call: callFacts({ providerCallId: '2' }) }],
      'published',
      [EVENTS, EVENTS],
    ],
    ['one event told twice', [event, event], 'published', [EVENTS]],
    ['a leg of a session', [leg], 'held', []],
    ['something that is no final call', [ignored], 'ignored', []],
    ['a question', [answer], 'answered', []],
    ['nothing', [], 'rejected', [REJECTED]],
    ['what cannot be normalized', [rejected], 'rejected', [REJECTED]],
    [
      'several such calls, kept as the one request they are',
      [rejected, rejected],
      'rejected',
      [REJECTED],
    ],
    [
      'what cannot be normalized beside what is ignored',
      [ignored, rejected],
      'rejected',
      [REJECTED],
    ],
    [
      'what cannot be normalized beside an event',
      [rejected, event],
      'published',
      [EVENTS, REJECTED],
    ],
    ['a leg that Postgres does not take', [aLeg({ sessionId: REFUSED })], 'rejected', [REJECTED]],
    ['facts that our schema cannot hold', [broken], 'rejected', [REJECTED]],
    ['a wrong credential', [unauthorized, event], 'unauthorized', []],
  ])('does what is right with %s', async (_, verdicts, kind, records) => {
    const { send, topics } = setUp(() => verdicts)

    expect(await send()).toMatchObject({ kind })
    expect(topics()).toEqual(records)
  })

  it('recognizes the same webhook', async () => {
    const { send, topics } = setUp()

    expect(await send()).toMatchObject({ kind: 'published' })
    expect(await send()).toMatchObject({ kind: 'repeated', acknowledgement: { body: 'OK' } })
    expect(topics()).toEqual([EVENTS])
  })

  it('keeps of what cannot be read so many bytes of a source in a day, then asks to come again', async () => {
    const { send, log, counted } = setUp(() => [rejected], { rejectedBytesMax: 1 })

    expect(await send()).toMatchObject({ kind: 'rejected' })
    expect(await send()).toMatchObject({
      kind: 'rate_limited',
      reason: 'rejected_bytes',
      waitSeconds: 3_600,
    })
    expect(log.records).toHaveLength(1)
    expect(counted).toEqual(['rejected binotel no_call_id', 'rejected binotel no_call_id'])
  })

  it('keeps of parts of calls without Postgres so many bytes of a source, then asks to come again', async () => {
    const { send, log, counted } = setUp(() => [rejected, aLeg({ sessionId: AWAY })], {
      waitingBytesMax: 1,
    })

    expect(await send()).toMatchObject({ kind: 'kept' })
    expect(await send()).toMatchObject({
      kind: 'rate_limited',
      reason: 'waiting_bytes',
      waitSeconds: 60,
    })
    expect(log.records).toMatchObject([{ headers: { reason: 'held_legs_unavailable' } }])
    expect(counted).toHaveLength(4)
  })

  it('answers with success what has calls in it, also when nothing more is kept', async () => {
    const { send, topics } = setUp(() => [event, rejected], { rejectedBytesMax: 1 })

    const [first, second] = [await send(), await send()]

    expect([first.kind, second.kind]).toEqual(['published', 'repeated'])
    expect(second).toMatchObject({
      eventIds: [expect.any(String)],
      providerCallIds: [expect.any(String)],
    })
    expect(topics()).toEqual([EVENTS, REJECTED])
  })

  it('counts the headers that it keeps, and keeps 512 characters of each', async () => {
    const { send, log } = setUp(() => [rejected], { rejectedBytesMax: 500 })
    const headers = { 'content-type': `application/json; a=${'x'.repeat(14_000)}` }

    expect([(await send({ headers })).kind, (await send({ headers })).kind]).toEqual([
      'rejected',
      'rate_limited',
    ])
    expect(JSON.stringify(log.records[0]?.headers).length).toBeLessThan(2_000)
  })

  it.each(['session_full', 'sessions_full'] as const)(
    'keeps a part of a call that there is no room for: %s',
    async (stored) => {
      const { send, log } = setUp(() => [leg], { stored })

      expect(await send()).toMatchObject({ kind: 'rejected', reason: stored })
      expect(log.records).toMatchObject([{ topic: REJECTED, headers: { reason: stored } }])
    },
  )

  it('keeps the request of a mapping that fails', async () => {
    const { send, log } = setUp(() => {
      throw new TypeError('a bug')
    })

    expect(await send()).toMatchObject({ kind: 'rejected', reason: 'mapping_failed' })
    expect(log.records).toMatchObject([{ topic: REJECTED, headers: { reason: 'mapping_failed' } }])
  })

  it('keeps a request whose event would fit into the log only, and stores no event', async () => {
    const call = callFacts({ recordingUrl: '№'.repeat(340_000) })
    const { send, topics, counted } = setUp(() => [{ kind: 'event', call }])

    expect(await send()).toMatchObject({ kind: 'rejected', reason: 'too_large' })
    expect(topics()).toEqual([REJECTED])
    expect(counted).toEqual(['rejected binotel too_large'])
  })

  it.each([
    ['too_large', 'too_large'],
    ['invalid', 'refused_by_kafka'],
  ] as const)(
    'keeps a request whose event Kafka calls %s, and spools nothing',
    async (said, reason) => {
      const { send, log, topics } = setUp()
      log.refusing = { topic: EVENTS, reason: said }

      expect(await send()).toMatchObject({ kind: 'rejected', reason })
      expect(topics()).toEqual([REJECTED])
    },
  )

  it('cuts what the topic of rejected requests does not take whole, and says so', async () => {
    const { send, log } = setUp(() => [rejected])
    log.refusing = { topic: REJECTED, reason: 'too_large', overBytes: 100_000 }

    expect(await send({ body: Buffer.alloc(200_000) })).toMatchObject({ kind: 'rejected' })
    expect(log.records[0]?.headers).toMatchObject({ 'cut-from-bytes': '200000' })
    expect(log.records[0]?.value.length).toBeGreaterThan(60_000)
  })

  it('answers the same when not even a part of a rejected request can be kept', async () => {
    const { send, log } = setUp(() => [rejected])
    log.refusing = { topic: REJECTED, reason: 'invalid' }

    expect(await send()).toMatchObject({ kind: 'rejected', reason: 'no_call_id' })
    expect(log.records).toEqual([])
  })

  it('keeps the trace of a request with it, so that both are found together', async () => {
    const { send, log } = setUp(() => [rejected])
    const trace = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` }

    await send({ trace })
    await send()

    expect(log.records[0]?.headers).toMatchObject({ reason: 'no_call_id', ...trace })
    expect(log.records[1]?.headers).not.toHaveProperty('traceparent')
  })

  it('keeps what cannot be read byte for byte, without the credentials of the sender', async () => {
    const { send, log, counted } = setUp()
    const body = Buffer.from([0x7b, 0xff, 0x00])
    const headers = {
      'content-type': 'application/json',
      authorization: 'Basic c2VjcmV0',
      cookie: 'sid=secret',
      'x-api-key': 'secret',
      'x-forwarded-for': '203.0.113.7',
      'x-opens-all': 'secret',
      'user-agent': 'Binotel',
    }
    const query = 'a=1&Access_Token=secret&b%2Dsecret=secret&%=1&key'

    const result = await send({ body, headers, eventPath: 'after-call', query })

    expect(result).toMatchObject({ kind: 'rejected', reason: 'unreadable' })
    const [record] = log.records
    expect(record).toMatchObject({
      key: 'ws_1',
      value: body,
      headers: {
        provider: 'binotel',
        'source-id': 'src_1',
        method: 'POST',
        path: '/hooks/binotel/after-call',
        query: 'a=1&Access_Token=***&b%2Dsecret=***&%=1&key',
        'content-type': 'application/json',
      },
    })
    expect(JSON.parse(record?.headers?.['request-headers'] ?? '')).toEqual({
      'content-type': 'application/json',
      'user-agent': 'Binotel',
    })
    expect(JSON.stringify(record?.headers)).not.toMatch(/[=:"]secret/)
    expect(counted).toEqual(['rejected binotel unreadable'])
  })

  it('keeps the query string of a GET', async () => {
    const { send, log } = setUp(() => [rejected])

    await send({ method: 'GET', query: 'uniqueid=', body: Buffer.alloc(0) })

    expect(log.records[0]?.value.toString()).toBe('uniqueid=')
  })

  it('counts what is ignored by reason', async () => {
    const { send, counted } = setUp(() => [ignored, answer])

    await send()

    expect(counted).toEqual(['ignored binotel not_final', 'ignored binotel lookup'])
  })

  it.each<[string, Lookup<Source>, Partial<Webhook>, string]>([
    ['an unknown token', { kind: 'unknown' }, {}, 'unknown_source'],
    [
      'a provider that does not exist',
      { kind: 'found', value: source },
      { provider: '__proto__' },
      'unknown_source',
    ],
    [
      'the token of another provider',
      { kind: 'found', value: { ...source, provider: 'phonet' } },
      {},
      'unknown_source',
    ],
    ['Postgres away and the source never seen', { kind: 'unavailable' }, {}, 'unavailable'],
  ])('answers %s, after one look at the token', async (_, answered, overrides, kind) => {
    const { send, lookup, asked, topics } = setUp()
    lookup.answer = answered

    expect(await send(overrides)).toMatchObject({ kind })
    expect(asked).toEqual([hashToken('src_secret')])
    expect(topics()).toEqual([])
  })

  describe('of a source that nobody can look up', () => {
    const unavailable: Lookup<Source> = { kind: 'unavailable' }

    it('keeps it raw under its workspace, and answers the provider its OK', async () => {
      const { send, log, lookup, counted } = setUp(() => [answer])
      lookup.answer = unavailable

      const result = await send({ token: signed, eventPath: 'after-call' })

      expect(result).toMatchObject({
        kind: 'kept',
        reason: 'source_unavailable',
        source: named,
        acknowledgement: { body: 'OK' },
      })
      expect(log.records).toMatchObject([
        {
          topic: REJECTED,
          key: 'ws_9',
          headers: { reason: 'source_unavailable', 'source-id': named.id, provider: 'binotel' },
        },
      ])
      expect(counted).toEqual(['rejected binotel source_unavailable'])
    })

    it('keeps so many bytes of it in a day, with its sealed headers, then asks to come again', async () => {
      const { send, log, lookup, counted } = setUp(() => [event], {
        rejectedBytesMax: 1,
        waitingBytesMax: 1_000,
      })
      lookup.answer = unavailable
      const other = tokens.issue({ ...named, id: newSourceId() })
      const headers = { 'x-large': 'x'.repeat(400) }

      const first = [await send({ token: signed, headers }), await send({ token: signed, headers })]
      const over = await send({ token: signed, headers })

      expect(first.map(({ kind }) => kind)).toEqual(['kept', 'kept'])
      expect(over).toMatchObject({
        kind: 'rate_limited',
        reason: 'waiting_bytes',
        waitSeconds: 60,
        source: named,
      })
      expect(await send({ token: other, headers })).toMatchObject({ kind: 'kept' })
      expect(log.records).toHaveLength(3)
      expect(counted).toEqual(Array(4).fill('rejected binotel source_unavailable'))
    })

    it('keeps the hash of the token and, sealed, what the sender proves itself with', async () => {
      const { send, log, lookup } = setUp()
      lookup.answer = unavailable

      await send({ token: signed, headers: { authorization: 'Basic c2VjcmV0' } })

      const headers = log.records[0]?.headers ?? {}
      expect(headers['token-hash']).toBe(hashToken(signed).toString('hex'))
      const sealed = headers['request-headers-sealed'] ?? ''
      const place = keptHeadersPlace(headers['source-id'] ?? '')
      expect(JSON.parse(box.open(sealed, place))).toEqual({
        authorization: 'Basic c2VjcmV0',
      })
      expect(JSON.stringify(headers)).not.toContain('c2VjcmV0')
      expect(JSON.stringify(headers)).not.toContain(signed)
    })

    it.each([
      [
        'unknown_source',
        'a forged token',
        `${signed.slice(0, -1)}${signed.endsWith('A') ? 'B' : 'A'}`,
        'binotel',
      ],
      [
        'unknown_source',
        'a token of somebody with another key',
        createSourceTokens([randomBytes(32)]).issue(named),
        'binotel',
      ],
      [
        'unknown_source',
        'the token of another provider',
        tokens.issue({ ...named, provider: 'phonet' }),
        'binotel',
      ],
      [
        'unknown_source',
        'a provider that is not served',
        tokens.issue({ ...named, provider: 'phonet' }),
        'phonet',
      ],
      ['unavailable', 'a token of before', 'src_secret', 'binotel'],
    ])('answers %s to %s, and keeps nothing', async (kind, _, token, provider) => {
      const { send, lookup, topics } = setUp()
      lookup.answer = unavailable

      expect(await send({ token, provider })).toMatchObject({ kind })
      expect(topics()).toEqual([])
    })
  })

  it.each([
    ['an event', [event]],
    ['what must be kept', [rejected]],
  ])('fails as a whole when Kafka does not take %s', async (_, verdicts) => {
    const { send, log, counted } = setUp(() => verdicts)
    log.failing = new ProduceError('away')

    await expect(send()).rejects.toThrow(SpoolRefusedError)
    expect(counted).toEqual([])
  })
})
