import { afterAll, beforeAll, expect, it } from 'vitest'
import { WORKSPACE_ID } from '../../services/console/given.ts'
import { encodeCursor } from '../../services/console/paging.ts'
import {
  anEndpoint,
  OPERATOR_TOKEN,
  startMigratedConsole,
  type TestConsole,
  type TestWorkspace,
} from '../support/console.ts'
import { FakeLog } from '../support/fake-log.ts'
import { freshDatabase } from '../support/stack.ts'

/**
 * Whatever a caller sends is the caller's mistake or none: no value of a path, a query, a header or
 * a body makes an error of ours. Over every route that the console describes, with values that a
 * database, a clock, a parser or a log refuses.
 */

interface Operation {
  readonly operationId: string
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  readonly path: string
  readonly parameters: readonly { readonly name: string; readonly in: string }[]
}

interface Sent {
  readonly operation: Operation
  /** What is odd about it. */
  readonly what: string
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly payload?: string | Buffer
}

const log = new FakeLog()
let api: TestConsole
let workspace: TestWorkspace
let operations: readonly Operation[]
let endpointUrl: string

beforeAll(async () => {
  const { eventLog } = log
  // Else most of the odd connections would end at the limit, and not where they are looked at.
  const limits = { pingsPerMinute: 10_000 }
  api = await startMigratedConsole(await freshDatabase(), { eventLog, rewinds: log }, limits)
  workspace = await api.aWorkspace()
  for (const second of [1, 2, 3]) log.append(workspace.id, `2026-05-26T10:00:0${second}Z`)
  const { body } = await api.call('GET /openapi.json', { token: null })
  type Described = Omit<Operation, 'method' | 'path'>
  operations = Object.entries<Record<string, Described>>(body.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId, parameters = [] }]) => ({
      operationId,
      parameters,
      path,
      method: method.toUpperCase() as Operation['method'],
    })),
  )
})

afterAll(() => api.close())

const LONG = 'x'.repeat(3_000)

/** As they stand in a URL. */
const URL_TEXTS = [
  '%00',
  'evt_1%00',
  '%0a',
  '%1b%5b0m',
  '%ff',
  '%ed%a0%80',
  '%c0%80',
  '%',
  '%zz',
  '..%2f..%2fetc',
  '%27%3b--',
  '0',
  '-1',
  '1.5',
  '1e300',
  '9'.repeat(30),
  'NaN',
  'null',
  '%E2%98%8E',
  'x'.repeat(100),
  LONG,
]

const TIMES = [
  '0000-01-01T00:00:00Z',
  '0001-01-01T00:00:00Z',
  '1969-12-31T23:59:59Z',
  '9999-12-31T23:59:59.999999999Z',
  '10000-01-01T00:00:00Z',
  '%2B275760-09-13T00:00:00Z',
  '-271821-04-20T00:00:00Z',
  '2026-02-30T00:00:00Z',
  '2026-05-26T10:00:00%2B99:99',
  `2026-05-26T10:00:00.${'1'.repeat(400)}Z`,
  'infinity',
  'now',
]

const JSON_VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  0.5,
  1e300,
  2 ** 53,
  8.64e15,
  '',
  '\0',
  'a\0b',
  '\ud800',
  '\u001b[0m',
  '0000-01-01T00:00:00Z',
  '0001-01-01T00:00:00Z',
  '+275760-09-13T00:00:00.000Z',
  '9999-12-31T23:59:59.999Z',
  LONG,
  [],
  ['\0'],
  {},
  { toString: 1 },
]

/** A request that is fine, by operation: each of its fields is made odd in turn. */
function bodyOf(operationId: string): Record<string, unknown> {
  const bodies: Record<string, Record<string, unknown>> = {
    putWorkspace: { name: 'ТОВ «Їжак»', timezone: 'Europe/Kyiv', defaultCountry: 'UA' },
    createToken: { label: 'CRM', expiresInSeconds: 3_600 },
    createPortalLink: { expiresInSeconds: 900 },
    signIn: { token: workspace.token, workspaceId: workspace.id },
    createSource: { provider: 'binotel', label: 'Київ', settings: { companyId: '62770' } },
    putConnection: {
      url: endpointUrl,
      password: 'a:b',
      passwordScheme: 'header',
      passwordHeader: 'x-key',
      maskNumbers: false,
    },
    createBackfill: {
      since: '2026-05-26T10:00:00Z',
      until: '2026-05-26T11:00:00Z',
      mode: 'all',
    },
  }
  return bodies[operationId] ?? {}
}

const POSITIONS: Readonly<Record<string, Record<string, unknown>>> = {
  listAttempts: { at: Date.UTC(2026, 4, 26), id: 7 },
  listGaps: { id: 7 },
  listDeadLetters: { deadAt: '2026-05-26T10:00:00.000Z', eventId: 'evt_1' },
  listBackfills: { createdAt: '2026-05-26T10:00:00.000Z', id: 'backfill_1' },
  listTokens: { createdAt: '2026-05-26T10:00:00.000Z', id: 'token_1' },
  listCalls: { w: 'ws_1', p: 0, o: 1, u: null },
}

/** `{id}` and the like, filled in. */
function urlOf(
  { path, operationId }: Operation,
  given: Readonly<Record<string, string>> = {},
): string {
  // The others still need theirs.
  const id = operationId === 'deleteWorkspace' ? 'ws_nobody' : workspace.id
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    return given[name] ?? (name === 'id' ? id : 'some-id')
  })
}

function* oddPaths(operation: Operation): Generator<Sent> {
  for (const [, name = ''] of operation.path.matchAll(/\{(\w+)\}/g)) {
    for (const text of URL_TEXTS) {
      // A stream of a workspace that somebody has made meanwhile would never end.
      if (operation.operationId === 'streamAttempts' && WORKSPACE_ID.test(text)) continue
      yield { operation, what: `${name}=${text}`, url: urlOf(operation, { [name]: text }) }
    }
  }
}

function* oddQueries(operation: Operation): Generator<Sent> {
  const names = operation.parameters.filter((given) => given.in === 'query').map(({ name }) => name)
  for (const name of names) {
    for (const text of [...URL_TEXTS, ...TIMES, `1&${name}=2`]) {
      const query = `${name}=${text}`
      yield { operation, what: query, url: `${urlOf(operation)}?${query}` }
    }
  }
  if (!names.includes('cursor')) return
  for (const cursor of oddCursors(POSITIONS[operation.operationId] ?? { id: 1 })) {
    const what = Buffer.from(cursor, 'base64url').toString()
    yield { operation, what, url: `${urlOf(operation)}?cursor=${cursor}` }
  }
}

function* oddCursors(position: Record<string, unknown>): Generator<string> {
  const fine = { ...position, ...('w' in position ? { w: workspace.id } : {}) }
  yield encodeCursor(fine)
  for (const name of Object.keys(fine)) {
    for (const value of JSON_VALUES) yield encodeCursor({ ...fine, [name]: value })
  }
  yield Buffer.from(JSON.stringify(fine).replace(/\d+/, '1e400')).toString('base64url')
  yield Buffer.from('[]').toString('base64url')
}

function* oddBodies(operation: Operation): Generator<Sent> {
  if (operation.method === 'GET') return
  const url = urlOf(operation)
  const fine = bodyOf(operation.operationId)
  const headers = { 'content-type': 'application/json' }
  for (const name of Object.keys(fine)) {
    for (const value of JSON_VALUES) {
      const payload = JSON.stringify({ ...fine, [name]: value })
      yield { operation, what: payload.slice(0, 200), url, headers, payload }
    }
  }
  const deep = '['.repeat(20_000) + ']'.repeat(20_000)
  const bodies = ['{', 'null', '[]', '"\\u0000"', '{"__proto__":{}}', '{"\\u0000":1}', deep]
  for (const payload of [...bodies, deep.slice(0, 20_000)]) {
    yield { operation, what: payload.slice(0, 50), url, headers, payload }
  }
  const broken = Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])
  yield { operation, what: 'no UTF-8', url, headers, payload: broken }
}

function* oddHeaders(operation: Operation): Generator<Sent> {
  const url = urlOf(operation)
  const odd: readonly Readonly<Record<string, string>>[] = [
    { 'last-event-id': '-1' },
    { 'last-event-id': '9'.repeat(30) },
    { 'idempotency-key': 'ключ' },
    { 'idempotency-key': LONG },
    { authorization: `Bearer ${'x'.repeat(6_000)}` },
    { authorization: 'Bearer \u00ff\u00fe' },
    { authorization: '', cookie: `__Host-call_webhook_session=%00${LONG}` },
    { 'content-type': 'application/json; charset=\u00ff' },
  ]
  for (const headers of odd) {
    if (operation.operationId === 'streamAttempts' && !('last-event-id' in headers)) continue
    yield { operation, what: JSON.stringify(headers).slice(0, 80), url, headers }
  }
}

/** The answer's status; streams that were opened after all are not waited for. */
async function send({ operation, url, headers, payload }: Sent, index: number): Promise<number> {
  const { statusCode } = await api.app.inject({
    method: operation.method,
    url,
    // Each from elsewhere: wrong tokens are counted by address.
    remoteAddress: `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`,
    headers: { authorization: `Bearer ${OPERATOR_TOKEN}`, ...headers },
    ...(payload === undefined ? {} : { payload }),
  })
  return statusCode
}

it('answers no request with an error of its own', async () => {
  endpointUrl = (await anEndpoint()).url
  const sent = operations.flatMap((operation) => [
    ...oddPaths(operation),
    ...oddQueries(operation),
    ...oddBodies(operation),
    ...oddHeaders(operation),
  ])
  const failed: string[] = []
  const statuses = new Map<number, number>()

  async function sendFrom(queue: IterableIterator<[number, Sent]>): Promise<void> {
    for (const [index, each] of queue) {
      const status = await send(each, index)
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      const { method, path } = each.operation
      if (status >= 500) failed.push(`${status} ${method} ${path} ${each.what}`)
    }
  }
  // They share one queue: as many as the pool has connections are under way.
  const queue = sent.entries()
  await Promise.all(Array.from({ length: 5 }, () => sendFrom(queue)))

  console.log(`${sent.length} requests:`, Object.fromEntries([...statuses].toSorted()))
  expect(failed).toEqual([])
  expect(sent.length).toBeGreaterThan(2_000)
}, 300_000)

it('takes a time before 1970 as 1970, and no year 0', async () => {
  const since = (text: string) => api.call(`GET ${workspace.path}/calls?since=${text}`)

  const zeroOfGo = await since('0001-01-01T00:00:00Z')

  expect(zeroOfGo.status).toBe(200)
  expect(zeroOfGo.body.items).toEqual((await since('1970-01-01T00:00:00Z')).body.items)
  expect((await since('0000-01-01T00:00:00Z')).status).toBe(422)
})

it('refuses a cursor out of range, and says where it is', async () => {
  for (const id of [1e300, -1, 0.5]) {
    const { status, body } = await api.call(
      `GET ${workspace.path}/gaps?cursor=${encodeCursor({ id })}`,
    )

    expect(status).toBe(422)
    expect(body.errors[0].path).toBe('query.cursor')
  }
})
