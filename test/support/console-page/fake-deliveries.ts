import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type Attempt,
  type AttemptQuery,
  type ErrorClass,
  matches,
} from '../../../services/console/web/src/screens/deliveries/attempt-filters.ts'
import { EXAMPLE_EVENTS } from '../../../services/console/web/src/screens/developers/example-events.ts'
import type { Backfill } from '../../../services/console/web/src/screens/recovery/recovery-range.ts'
import { startFakeApi } from './fake-api.ts'
import type { SceneName } from './scenes.ts'

/**
 * Stands in front of the fake API and answers what moves: a long list of attempts by page and filter,
 * its stream, single events, and a back-fill that makes progress.
 */
export interface FakeDeliveries {
  readonly url: string
  readonly attempts: readonly Attempt[]
  readonly show: (scene: SceneName) => void
  /** Something has just been sent: it stands in the list and goes over the stream. */
  readonly emit: (attempt: Partial<Attempt>) => void
  /** A back-fill that is done in so many milliseconds. */
  readonly startBackfill: (durationMs: number) => void
  readonly close: () => Promise<void>
}

interface State {
  attempts: Attempt[]
  readonly followers: Set<ServerResponse>
  backfill: { readonly from: number; readonly durationMs: number; isCancelled: boolean } | null
}

type Handler = (request: IncomingMessage, response: ServerResponse, state: State) => void

const ROUTES: readonly (readonly [method: string, path: RegExp, handler: Handler])[] = [
  ['GET', /\/attempts$/, answerPage],
  ['GET', /\/attempts\/stream$/, follow],
  ['GET', /\/events\/[^/]+$/, answerEvent],
  ['GET', /\/backfills$/, answerBackfills],
  [
    'POST',
    /\/backfills$/,
    (_request, response, state) => {
      state.backfill = { from: Date.now(), durationMs: 20_000, isCancelled: false }
      send(response, 202, backfillOf(state))
    },
  ],
  [
    'DELETE',
    /\/backfills\/[^/]+$/,
    (_request, response, state) => {
      if (state.backfill !== null) state.backfill.isCancelled = true
      send(response, 200, backfillOf(state))
    },
  ],
  ['POST', /\/resend$/, (_request, response) => send(response, 202, { backfillId: 'bf_9' })],
  [
    'POST',
    /\/signing-secret\/rotate$/,
    (_request, response) =>
      send(response, 200, {
        signingSecret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
        previousValidUntil: new Date(Date.now() + 86_400_000).toISOString(),
      }),
  ],
]

export async function startFakeDeliveries(count: number): Promise<FakeDeliveries> {
  const api = await startFakeApi()
  const state: State = { attempts: generate(count), followers: new Set(), backfill: null }
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://page').pathname
    const route = ROUTES.find(([method, of]) => method === request.method && of.test(path))
    if (route !== undefined) route[2](request, response, state)
    else void forward(api.url, request, response) // A failure shows as a request without an answer.
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get attempts() {
      return state.attempts
    },
    show: (scene) => {
      state.backfill = null
      state.attempts = generate(count)
      api.show(scene)
    },
    emit: (overrides) => emit(state, overrides),
    startBackfill: (durationMs) => {
      state.backfill = { from: Date.now() - durationMs * 0.4, durationMs, isCancelled: false }
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await api.close()
    },
  }
}

async function forward(to: string, request: IncomingMessage, response: ServerResponse) {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const body = chunks.length === 0 ? null : Buffer.concat(chunks)
  const { method = 'GET' } = request
  const answer = await fetch(to + request.url, { method, body })
  const headers = Object.fromEntries(answer.headers)
  response.writeHead(answer.status, headers).end(Buffer.from(await answer.arrayBuffer()))
}

const FAILURES: readonly (readonly [ErrorClass, number | null, number])[] = [
  ['timeout', null, 5_000],
  ['server_error', 503, 212],
  ['unauthorized', 401, 96],
  ['refused', null, 12],
]

/** Newest first. Every 13th event fails a few times, every 400th is given up. */
function generate(count: number): Attempt[] {
  const now = Date.now()
  return Array.from({ length: count }, (_, index) => attemptOf(index, now))
}

function attemptOf(index: number, now: number): Attempt {
  const [errorClass, status, durationMs] = FAILURES[index % FAILURES.length] ?? ['dns', null, 1]
  const isDead = index % 400 === 7
  const failed = index % 13 === 3 || isDead
  return {
    id: `att_${String(1_000_000 - index)}`,
    eventId: `evt_${(0x5c1e9a7b + index * 7_919).toString(16).padStart(32, '3f8a')}`,
    event: index % 5 === 1 ? 'call.recording_ready' : 'call.completed',
    attempt: isDead ? 9 : failed ? 1 + (index % 4) : 1,
    outcome: isDead ? 'dead_lettered' : failed ? 'retrying' : 'delivered',
    errorClass: failed ? errorClass : null,
    status: failed ? status : 200,
    durationMs: failed ? durationMs : 90 + ((index * 37) % 260),
    at: new Date(now - 20_000 - index * 17_300).toISOString(),
    nextAttemptAt: failed && !isDead ? new Date(now + 95_000).toISOString() : null,
    replay: index % 57 > 54,
  }
}

function emit(state: State, overrides: Partial<Attempt>): void {
  const fresh = attemptOf(0, Date.now() + 20_000)
  const id = `att_live_${state.attempts.length}`
  const attempt = { ...fresh, id, eventId: `evt_live_${state.attempts.length}`, ...overrides }
  state.attempts = [attempt, ...state.attempts]
  const text = `event: attempt\nid: ${attempt.id}\ndata: ${JSON.stringify(attempt)}\n\n`
  for (const follower of state.followers) follower.write(text)
}

function follow(request: IncomingMessage, response: ServerResponse, { followers }: State): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': hello\n\n')
  followers.add(response)
  request.on('close', () => followers.delete(response))
}

/** The cursor is the place in the narrowed list. */
function answerPage(request: IncomingMessage, response: ServerResponse, state: State): void {
  const search = new URL(request.url ?? '/', 'http://page').searchParams
  const { cursor = '0', limit = '50', ...query } = Object.fromEntries(search)
  const isNarrowed = Object.keys(query).length > 0
  const wanted = isNarrowed
    ? state.attempts.filter((attempt) => matches(attempt, query as AttemptQuery))
    : state.attempts
  const end = Number(cursor) + Number(limit)
  const items = wanted.slice(Number(cursor), end)
  send(response, 200, { items, nextCursor: end < wanted.length ? String(end) : null })
}

function answerEvent(request: IncomingMessage, response: ServerResponse, state: State): void {
  const eventId = new URL(request.url ?? '/', 'http://page').pathname.split('/').at(-1) ?? ''
  const last = state.attempts.find((attempt) => attempt.eventId === eventId)
  if (last === undefined) {
    send(response, 404, { title: 'Not Found', detail: 'There is no such event.' })
    return
  }
  const earlier = Array.from({ length: last.attempt - 1 }, (_, index): Attempt => {
    const at = new Date(Date.parse(last.at) - (last.attempt - index) * 130_000).toISOString()
    return { ...last, id: `${last.id}_${index}`, attempt: index + 1, outcome: 'retrying', at }
  })
  send(response, 200, {
    eventId,
    event: last.event,
    acceptedAt: new Date(Date.parse(earlier[0]?.at ?? last.at) - 400).toISOString(),
    attempts: [...earlier, last],
    nextAttemptAt: last.nextAttemptAt,
    request: requestOf(last),
  })
}

function requestOf({ eventId, event, attempt }: Attempt) {
  return {
    url: 'https://n8n.yizhak.example/webhook/6f1e0c1a-calls',
    headers: {
      'content-type': 'application/json',
      'user-agent': 'call-webhook/0.1.0',
      'webhook-id': eventId,
      'webhook-timestamp': '1779803985',
      'webhook-signature': 'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=',
      'webhook-sequence': '48213',
      'webhook-attempt': String(attempt + 1),
      authorization: 'Bearer ***',
    },
    body: JSON.stringify({ ...EXAMPLE_EVENTS[event], eventId }),
  }
}

const HOUR_MS = 3_600_000

function answerBackfills(_request: IncomingMessage, response: ServerResponse, state: State): void {
  const past = {
    since: hoursAgo(260),
    until: hoursAgo(252),
    mode: 'gaps',
    createdAt: hoursAgo(250),
  }
  const done = { id: 'bf_1', state: 'done', ...past, replayed: 64, position: past.until }
  const items = state.backfill === null ? [done] : [backfillOf(state), done]
  send(response, 200, { items, nextCursor: null })
}

function hoursAgo(hours: number): string {
  return new Date(Math.floor(Date.now() / HOUR_MS) * HOUR_MS - hours * HOUR_MS).toISOString()
}

function backfillOf({ backfill }: State): Backfill {
  const { from, durationMs, isCancelled } = backfill ?? {
    from: 0,
    durationMs: 1,
    isCancelled: true,
  }
  const share = Math.min(1, (Date.now() - from) / durationMs)
  const [since, until] = [hoursAgo(25), hoursAgo(17)]
  const position = Date.parse(since) + share * (Date.parse(until) - Date.parse(since))
  return {
    id: 'bf_2',
    state: isCancelled ? 'cancelled' : share === 1 ? 'done' : 'running',
    ...{ since, until, mode: 'gaps' },
    replayed: Math.floor(share * 1_000),
    position: new Date(position).toISOString(),
    createdAt: new Date(from).toISOString(),
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const type = status < 400 ? 'application/json' : 'application/problem+json'
  response.writeHead(status, { 'content-type': type }).end(JSON.stringify(body))
}
