import { Readable } from 'node:stream'
import { afterEach, describe, expect, it } from 'vitest'
import type { FirstPartyResult } from '../../../services/normalizer/accept-first-party.ts'
import type { WebhookResult } from '../../../services/normalizer/act-on-verdicts.ts'
import { createDoor } from '../../../services/normalizer/door.ts'
import { createGate, type RequestLimits } from '../../../services/normalizer/gate.ts'
import { createServer } from '../../../services/normalizer/server.ts'
import type { Webhook } from '../../../services/normalizer/webhook.ts'
import { hashToken } from '../../../services/shared/access-token.ts'
import { ProduceError } from '../../../services/shared/kafka/produce-error.ts'
import type { ReadToken } from '../../../services/shared/source-token.ts'
import type { Tracing } from '../../../services/shared/tracing.ts'
import { quiet, source, stoppedClock } from '../../support/normalizer-fakes.ts'
import { recordSpans } from '../../support/span-recorder.ts'

const acknowledgement = { contentType: 'application/json', body: '{"status":"success"}' }
const ok: WebhookResult = { kind: 'published', source, acknowledgement, eventIds: ['evt_1'] }

const URL = '/hooks/binotel/src_secret'

let close = async () => {}
afterEach(() => close())

interface SetUp {
  readonly webhook?: (webhook: Webhook) => Promise<WebhookResult>
  readonly firstParty?: () => Promise<FirstPartyResult>
  readonly inFlightMax?: number
  readonly tracing?: Tracing
  readonly limits?: Partial<RequestLimits>
  /** All tokens open one source. */
  readonly isRotated?: boolean
}

const LIMITS = {
  perSource: 100,
  bytesPerSource: 1_000_000,
  callsPerSource: 1_000,
  unknownPerAddress: 2,
}

const PRODUCER = { authorization: 'Bearer cwt_secret' }

const SIGNED: ReadToken = { kind: 'signed', source }
const READ_TOKENS: ReadonlyMap<string, ReadToken> = new Map<string, ReadToken>([
  ['signed-by-us', SIGNED],
  ['away-signed', SIGNED],
  ['away-forged', { kind: 'forged' }],
])

/** Knows what does not begin with `unknown` or `away`, and remembers what it was asked. */
function aLookup<Value>(valueBy: (id: string) => Value) {
  const unknown = ['unknown-1', 'unknown-2', 'unknown-3'].map((token) => hashToken(token))
  const away = ['away-signed', 'away-forged', 'away-unsigned'].map((token) => hashToken(token))
  const asked = new Set<string>()
  let queries = 0
  return {
    queries: () => queries,
    async find(hash: Buffer) {
      const id = hash.toString('hex')
      if (!asked.has(id)) queries += 1
      asked.add(id)
      if (unknown.some((one) => one.equals(hash))) return { kind: 'unknown' } as const
      if (away.some((one) => one.equals(hash))) return { kind: 'unavailable' } as const
      return { kind: 'found', value: valueBy(id) } as const
    },
    remembered(hash: Buffer) {
      if (!asked.has(hash.toString('hex'))) return null
      return unknown.some((one) => one.equals(hash)) ? 'unknown' : 'found'
    },
  }
}

async function aServer(setUp: SetUp = {}) {
  const { webhook, firstParty, inFlightMax = 100, tracing, limits, isRotated = false } = setUp
  const seen: Webhook[] = []
  const counted: string[] = []
  const limited: string[] = []
  const sources = aLookup((id) => (isRotated ? source : { ...source, id }))
  const workspaces = aLookup(() => 'ws_1')
  const clock = stoppedClock()
  const app = createServer({
    acceptWebhook: async (received) => {
      seen.push(received)
      return webhook ? webhook(received) : ok
    },
    acceptFirstParty:
      firstParty ?? (async () => ({ kind: 'published', eventId: 'e', callId: 'c' })),
    door: createDoor({ inFlightMax, answerWithinMs: 50, logger: quiet }),
    gate: createGate({ ...LIMITS, ...limits }, clock),
    sources,
    workspaces,
    tokens: { read: (token) => READ_TOKENS.get(token) ?? { kind: 'unsigned' } },
    metrics: {
      webhookReceived: (provider, outcome) => counted.push(`${provider} ${outcome}`),
      webhookLimited: (provider, reason) => limited.push(`${provider} ${reason}`),
    },
    tracing,
    logger: quiet,
    connectionsMax: 100,
    trustedProxies: [],
  })
  close = async () => app.close()
  return { app, seen, counted, limited, sources, workspaces, clock }
}

describe('the door', () => {
  it('answers a provider in its own form', async () => {
    const { app, counted } = await aServer()

    const response = await app.inject({ method: 'POST', url: URL, payload: { a: 1 } })

    expect(response.statusCode).toBe(200)
    expect(response.headers['content-type']).toMatch(/^application\/json/)
    expect(response.body).toBe('{"status":"success"}')
    expect(counted).toEqual(['binotel published'])
  })

  it('hands over the request as it came', async () => {
    const { app, seen } = await aServer()
    const body = Buffer.from([0, 255, 10])

    await app.inject({
      method: 'POST',
      url: `${URL}/after-call/?a=1&b=%20`,
      payload: body,
      headers: { 'content-type': 'x/y', 'x-one': 'two' },
    })

    expect(seen).toMatchObject([
      {
        provider: 'binotel',
        token: 'src_secret',
        eventPath: 'after-call',
        method: 'POST',
        query: 'a=1&b=%20',
        body,
        headers: { 'x-one': 'two' },
      },
    ])
  })

  it('takes a GET', async () => {
    const { app, seen } = await aServer()

    expect((await app.inject({ method: 'GET', url: `${URL}?uniqueid=1` })).statusCode).toBe(200)
    expect(seen).toMatchObject([{ method: 'GET', query: 'uniqueid=1', body: Buffer.alloc(0) }])
  })

  it.each<[number, WebhookResult]>([
    [401, { kind: 'unauthorized', source, detail: 'wrong' }],
    [404, { kind: 'unknown_source' }],
    [415, { kind: 'unsupported', source, detail: 'no' }],
    [422, { kind: 'rejected', source, reason: 'no_call_id', detail: 'no id' }],
    [503, { kind: 'unavailable', reason: 'kafka' }],
  ])('answers %i with a problem document', async (status, result) => {
    const { app } = await aServer({ webhook: async () => result })

    const response = await app.inject({ method: 'POST', url: URL, payload: '' })

    expect(response.statusCode).toBe(status)
    expect(response.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(response.json()).toMatchObject({ status, type: expect.stringContaining('urn:') })
    if (status === 503) expect(response.headers['retry-after']).toBe('5')
  })

  it.each(['PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'] as const)('refuses %s', async (method) => {
    const { app, seen } = await aServer()

    const response = await app.inject({ method, url: URL })

    expect(response.statusCode).toBe(405)
    expect(response.headers.allow).toBe('GET, POST')
    expect(seen).toEqual([])
  })

  it('refuses more than 256 KB, and takes 256 KB', async () => {
    const { app, counted } = await aServer()
    const post = (bytes: number) =>
      app.inject({ method: 'POST', url: URL, payload: Buffer.alloc(bytes, 0x20) })

    expect((await post(256 * 1024)).statusCode).toBe(200)
    expect((await post(256 * 1024 + 1)).statusCode).toBe(413)
    expect(counted).toEqual(['binotel published', 'binotel too_large'])
  })

  it('ends whoever sends slowly within 15 s, and takes so many connections only', async () => {
    const { app } = await aServer()
    const { requestTimeout, headersTimeout, maxConnections } = app.server
    const checkedEveryMs = Reflect.get(app.server, 'connectionsCheckingInterval')

    // Of the two, Node gives the longer one to the whole request.
    const longestMs = Math.max(requestTimeout, headersTimeout)
    expect(longestMs + checkedEveryMs).toBeLessThanOrEqual(15_000)
    expect(maxConnections).toBe(100)
  })

  it('answers everything else with the 404 of an unknown token', async () => {
    const { app } = await aServer({ webhook: async () => ({ kind: 'unknown_source' }) })
    const bodies = await Promise.all(
      [URL, '/', '/hooks', '/hooks/binotel', '/hooks/a/b/c/d', '/v1/workspaces'].map(
        async (url) => (await app.inject({ method: 'POST', url })).body,
      ),
    )

    expect(new Set(bodies).size).toBe(1)
  })

  it.each([
    ['a broken percent escape in the address', { url: '/hooks/%/x' }],
    ['a content type that is none', { url: URL, headers: { 'content-type': '][' } }],
    ['a token of 10,000 characters', { url: `/hooks/binotel/${'a'.repeat(10_000)}` }],
  ])('survives %s', async (_, request) => {
    const { app } = await aServer()

    const response = await app.inject({ method: 'POST', payload: 'a=1', ...request })

    expect(response.statusCode).toBeGreaterThanOrEqual(400)
    expect(response.statusCode).toBeLessThan(500)
    expect(response.headers['content-type']).toMatch(/^application\/problem\+json/)
  })

  it.each([
    ['Kafka is away', async () => Promise.reject(new ProduceError('away'))],
    ['there is a bug', async () => Promise.reject(new TypeError('bug'))],
    ['the answer does not come in time', () => new Promise<never>(() => {})],
  ])('answers 503 when %s', async (_, webhook) => {
    const { app, counted } = await aServer({ webhook })

    const response = await app.inject({ method: 'POST', url: URL })

    expect(response.statusCode).toBe(503)
    expect(counted).toEqual(['binotel unavailable'])
  })

  it('takes no more than it has room for', async () => {
    const { app } = await aServer({ webhook: () => new Promise<never>(() => {}), inFlightMax: 1 })
    const first = app.inject({ method: 'POST', url: URL })

    const second = await app.inject({ method: 'POST', url: URL })

    expect(second.statusCode).toBe(503)
    expect((await first).statusCode).toBe(503)
  })

  it('answers an unknown token before it reads the body', async () => {
    const { app, seen, counted } = await aServer()
    const payload = new Readable({ read: () => {} }) // A body that never ends.

    const response = await app.inject({ method: 'POST', url: '/hooks/binotel/unknown-1', payload })

    expect(response.statusCode).toBe(404)
    expect(seen).toEqual([])
    expect(counted).toEqual(['binotel unknown_source'])
  })

  it.each([
    ['forged', 404, 'unknown_source'],
    ['unsigned', 503, 'unavailable'],
  ])(
    'reads no body for a token that is %s while Postgres is away',
    async (kind, status, result) => {
      const { app, seen, counted } = await aServer()
      const payload = new Readable({ read: () => {} })

      const response = await app.inject({
        method: 'POST',
        url: `/hooks/binotel/away-${kind}`,
        payload,
      })

      expect(response.statusCode).toBe(status)
      expect(seen).toEqual([])
      expect(counted).toEqual([`binotel ${result}`])
    },
  )

  it('takes a webhook whose token proves its source while Postgres is away', async () => {
    const { app, seen } = await aServer({ limits: { perSource: 1 } })
    const post = () => app.inject({ method: 'POST', url: '/hooks/binotel/away-signed' })

    expect([(await post()).statusCode, (await post()).statusCode]).toEqual([200, 429])
    expect(seen).toHaveLength(1)
  })

  it('gives the two tokens of a source one share', async () => {
    const { app } = await aServer({ limits: { perSource: 1 }, isRotated: true })
    const post = (token: string) => app.inject({ method: 'POST', url: `/hooks/binotel/${token}` })

    expect((await post('src_before')).statusCode).toBe(200)
    expect((await post('src_after')).statusCode).toBe(429)
  })

  it.each<[string, Partial<RequestLimits>, number]>([
    ['requests', { perSource: 3 }, 10],
    ['bytes', { bytesPerSource: 3_000 }, 1_000],
  ])('limits the %s of one source in a minute', async (reason, limits, bytes) => {
    const { app, seen, limited, clock } = await aServer({ limits })
    const payload = Buffer.alloc(bytes, 0x20)
    const post = (token: string) =>
      app.inject({ method: 'POST', url: `/hooks/binotel/${token}`, payload })
    for (const _ of [1, 2, 3]) expect((await post('src_a')).statusCode).toBe(200)

    const refused = await post('src_a')

    expect(refused.statusCode).toBe(429)
    expect(refused.headers['retry-after']).toBe('60')
    expect(refused.json()).toMatchObject({ reason })
    expect(limited).toEqual([`binotel ${reason}`])
    expect(seen).toHaveLength(3)
    expect((await post('src_b')).statusCode).toBe(200)
    clock.advance(60_000)
    expect((await post('src_a')).statusCode).toBe(200)
  })

  it('limits the calls of one source in a minute, of which a request may hold many', async () => {
    const eventIds = Array.from({ length: 100 }, (_, n) => `evt_${n}`)
    const webhook = async () => ({ ...ok, eventIds })
    const { app } = await aServer({ webhook, limits: { callsPerSource: 200 } })
    const post = async () => (await app.inject({ method: 'POST', url: URL })).statusCode

    expect([await post(), await post(), await post()]).toEqual([200, 200, 429])
  })

  it('counts the bytes of the address, in which a call may be told', async () => {
    const { app } = await aServer({ limits: { bytesPerSource: 3_000 } })
    const get = async () =>
      (await app.inject({ method: 'GET', url: `${URL}?caller=${'1'.repeat(2_000)}` })).statusCode

    expect([await get(), await get(), await get()]).toEqual([200, 200, 429])
  })

  it('counts the bytes that came, not those that were announced by nobody', async () => {
    const { app } = await aServer({ limits: { bytesPerSource: 300_000 } })
    const post = async () =>
      (await app.inject({ method: 'POST', url: URL, payload: Readable.from(['{}']) })).statusCode

    expect([await post(), await post(), await post()]).toEqual([200, 200, 200])
  })

  it('limits guesses of one address before they are looked up, and lets in who is known', async () => {
    const { app, sources, limited } = await aServer()
    const post = async (token: string) =>
      (await app.inject({ method: 'POST', url: `/hooks/binotel/${token}` })).statusCode
    await post('src_known')

    expect([await post('unknown-1'), await post('unknown-2')]).toEqual([404, 404])
    expect([await post('unknown-3'), await post('src_new')]).toEqual([429, 429])
    expect(limited).toEqual(['binotel unknown_tokens', 'binotel unknown_tokens'])
    expect(sources.queries()).toBe(3)
    expect(await post('signed-by-us')).toBe(200)
    // A deleted source that goes on sending costs nothing and locks nobody out.
    expect([await post('unknown-1'), await post('src_known')]).toEqual([404, 200])
  })

  it('limits wrong tokens of producers in the same way, and before the body', async () => {
    const { app, workspaces } = await aServer()
    const post = async (token: string) =>
      (
        await app.inject({
          method: 'POST',
          url: '/v1/workspaces/ws_1/events',
          headers: { authorization: `Bearer ${token}` },
          payload: new Readable({ read: () => {} }),
        })
      ).statusCode

    const statuses = [await post('unknown-1'), await post('unknown-2'), await post('unknown-3')]

    expect(statuses).toEqual([401, 401, 429])
    expect(workspaces.queries()).toBe(2)
  })

  it('limits the producers of a workspace together', async () => {
    const firstParty = async () => ({ kind: 'published', eventId: 'e', callId: 'c' }) as const
    const { app } = await aServer({ firstParty, limits: { perSource: 1 } })
    const post = async () =>
      await app.inject({
        method: 'POST',
        url: '/v1/workspaces/ws_1/events',
        headers: PRODUCER,
        payload: {},
      })

    expect((await post()).statusCode).toBe(202)
    expect((await post()).json()).toMatchObject({ status: 429, reason: 'requests' })
  })

  it.each<[number, FirstPartyResult]>([
    [202, { kind: 'published', eventId: 'evt_1', callId: 'call_1' }],
    [202, { kind: 'repeated', eventId: 'evt_1', callId: 'call_1' }],
    [409, { kind: 'conflict', eventId: 'evt_1' }],
    [415, { kind: 'unsupported', detail: 'no' }],
    [422, { kind: 'rejected', errors: [{ path: 'order.id', message: 'is missing' }] }],
  ])('answers a first-party producer with %i', async (status, result) => {
    const { app, counted } = await aServer({ firstParty: async () => result })

    const response = await app.inject({
      method: 'POST',
      url: '/v1/workspaces/ws_1/events',
      headers: PRODUCER,
    })

    expect(response.statusCode).toBe(status)
    if (status === 202) expect(response.json()).toEqual({ eventId: 'evt_1', callId: 'call_1' })
    if (status === 422) expect(response.json()).toMatchObject({ errors: [{ path: 'order.id' }] })
    expect(counted).toEqual([`first-party ${result.kind}`])
  })

  it.each([
    [401, 'unauthorized', 'ws_1', {}],
    [401, 'unauthorized', 'ws_1', { authorization: 'Bearer unknown-1' }],
    [403, 'forbidden', 'ws_2', PRODUCER],
    [503, 'unavailable', 'ws_1', { authorization: 'Bearer away-unsigned' }],
  ])('answers %i, %s, to a token that is not for %s', async (status, kind, id, headers) => {
    const { app, counted } = await aServer()
    const url = `/v1/workspaces/${id}/events`

    const response = await app.inject({ method: 'POST', url, headers })

    expect(response.statusCode).toBe(status)
    expect(response.headers['www-authenticate']?.slice(0, 6)).toBe(
      status === 401 ? 'Bearer' : undefined,
    )
    expect(counted).toEqual([`first-party ${kind}`])
  })
})

describe('a request with traces on', () => {
  it('is a span that names the route, never the token', async () => {
    const tracing = recordSpans()
    const { app, seen } = await aServer({ tracing })

    await app.inject({ method: 'POST', url: `${URL}?phone=380671235678`, payload: {} })

    const [recorded] = tracing.spans
    expect(recorded).toMatchObject({
      name: 'POST /hooks/:provider/:sourceToken',
      kind: 'server',
      parent: undefined,
      links: [],
      ended: {
        attributes: { 'http.response.status_code': 200, 'callwebhook.result': 'published' },
        errorType: undefined,
      },
    })
    expect(seen[0]?.trace).toEqual(recorded?.span.context)
    expect(JSON.stringify(tracing.spans)).not.toMatch(/src_secret|380671235678/)
  })

  it('that we fail is a failed span with the reason of the log', async () => {
    const tracing = recordSpans()
    const away = new ProduceError('away')
    const { app } = await aServer({ tracing, webhook: () => Promise.reject(away) })

    await app.inject({ method: 'POST', url: URL, payload: {} })

    expect(tracing.spans[0]?.ended).toMatchObject({ errorType: 'kafka' })
  })

  it('of a first-party producer is one, too', async () => {
    const tracing = recordSpans()
    const { app } = await aServer({ tracing })

    await app.inject({ method: 'POST', url: '/v1/workspaces/ws_1/events', payload: {} })

    expect(tracing.spans).toMatchObject([
      {
        name: 'POST /v1/workspaces/:workspaceId/events',
        ended: { attributes: { 'http.response.status_code': 401 }, errorType: undefined },
      },
    ])
  })
})
