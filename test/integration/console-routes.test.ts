import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type CallOptions,
  PUBLIC_URL,
  startMigratedConsole,
  type TestConsole,
  type TestWorkspace,
} from '../support/console.ts'
import { freshDatabase } from '../support/stack.ts'

/**
 * Who may ask for what: over every route that the console describes. Only authorization is looked
 * at, which comes before everything else, so no route does anything here.
 */

interface Operation {
  readonly operationId: string
  readonly security?: readonly object[]
}

interface Route extends Operation {
  readonly method: string
  readonly path: string
}

let api: TestConsole
let routes: readonly Route[]
let owner: TestWorkspace
let stranger: TestWorkspace

beforeAll(async () => {
  api = await startMigratedConsole(await freshDatabase())
  const { body } = await api.call('GET /openapi.json', { token: null })
  routes = Object.entries<Record<string, Operation>>(body.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      ...operation,
      method: method.toUpperCase(),
      path,
    })),
  )
  owner = await api.aWorkspace()
  stranger = await api.aWorkspace()
})

afterAll(() => api.close())

const isSignIn = ({ operationId }: Route) => operationId === 'signIn'
const isOfWorkspace = ({ path }: Route) => path.startsWith('/v1/workspaces/{id}')
const isSafe = ({ method }: Route) => method === 'GET'

/** Asks each of the routes about a workspace, and answers by route what it said. */
async function statuses(
  asked: readonly Route[],
  options: CallOptions,
  workspaceId = owner.id,
): Promise<Record<string, number>> {
  const answers: Record<string, number> = {}
  for (const [index, { method, path }] of asked.entries()) {
    // Each from elsewhere: wrong tokens are counted by address.
    const address = `192.0.2.${index}`
    const url = path.replace('{id}', workspaceId).replaceAll(/\{\w+\}/g, 'some-id')
    const { status, headers } = await api.call(`${method} ${url}`, { ...options, address })
    expect(headers['content-type']).toMatch('application/problem+json')
    answers[`${method} ${path}`] = status
  }
  return answers
}

function each(asked: readonly Route[], status: number): Record<string, number> {
  return Object.fromEntries(asked.map(({ method, path }) => [`${method} ${path}`, status]))
}

async function cookieOf({ token }: TestWorkspace): Promise<string> {
  const { headers } = await api.call('POST /v1/session', { body: { token }, token: null })
  return String(headers['set-cookie']).split(';')[0] ?? ''
}

const browser = (cookie: string, headers: object = { origin: PUBLIC_URL }): CallOptions => ({
  token: null,
  headers: { cookie, ...headers },
})

describe('every route', () => {
  it('is in the table', () => {
    expect(routes.filter((route) => !isOfWorkspace(route)).map(({ path }) => path)).toEqual([
      '/v1/session',
      '/v1/session',
      '/v1/session',
    ])
    expect(routes.filter(isOfWorkspace).length).toBeGreaterThanOrEqual(28)
    expect(new Set(routes.map(({ operationId }) => operationId)).size).toBe(routes.length)
  })

  it('answers nobody without credentials', async () => {
    const asked = routes.filter((route) => !isSignIn(route))

    expect(await statuses(asked, { token: null })).toEqual(each(asked, 401))
  })

  it('answers nobody with credentials that are none', async () => {
    const asked = routes.filter(isOfWorkspace)

    expect(await statuses(asked, { token: 'cwt_wrong' })).toEqual(each(asked, 401))
    const planted = await cookieOf(stranger)
    expect(await statuses(asked, browser(`${planted}x`))).toEqual(each(asked, 401))
  })

  it('refuses the token of another workspace', async () => {
    const asked = routes.filter(isOfWorkspace)

    expect(await statuses(asked, { token: stranger.token })).toEqual(each(asked, 403))
  })

  it('refuses the cookie of another workspace', async () => {
    const asked = routes.filter(isOfWorkspace)
    const cookie = await cookieOf(stranger)

    expect(await statuses(asked, browser(cookie))).toEqual(each(asked, 403))
  })

  it('tells neither of them whether a workspace exists', async () => {
    const asked = routes.filter(isOfWorkspace)
    const cookie = await cookieOf(stranger)

    for (const options of [{ token: stranger.token }, browser(cookie)]) {
      expect(await statuses(asked, options, 'ws_none')).toEqual(each(asked, 403))
    }
  })

  it('lets the operator pass, who learns that a workspace does not exist', async () => {
    const asked = routes.filter((route) => isOfWorkspace(route) && !isOperators(route))

    expect(await statuses(asked, {}, 'ws_none')).toEqual(each(asked, 404))
  })

  it('that is the operator’s refuses the workspace itself', async () => {
    const asked = routes.filter(isOperators)
    const cookie = await cookieOf(owner)

    expect(asked.map(({ operationId }) => operationId).sort()).toEqual([
      'createPortalLink',
      'createToken',
      'deleteWorkspace',
      'putWorkspace',
    ])
    for (const options of [{ token: owner.token }, browser(cookie)]) {
      expect(await statuses(asked, options)).toEqual(each(asked, 403))
    }
  })

  it('that changes something refuses a signed-in browser on a foreign page', async () => {
    const asked = routes.filter((route) => !isSafe(route) && !isSignIn(route))
    const cookie = await cookieOf(owner)
    const foreign = [
      { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
      { origin: 'https://evil.example.com', 'sec-fetch-site': 'same-site' },
      { origin: 'null' },
      {},
    ]

    for (const headers of foreign) {
      expect(await statuses(asked, browser(cookie, headers))).toEqual(each(asked, 403))
    }
  })
})

/** As the description says; that it is true is what the test finds out. */
function isOperators({ path, security = [] }: Route): boolean {
  const takesSession = security.length === 0 || security.some((way) => 'session' in way)
  return path.startsWith('/v1/workspaces/{id}') && !takesSession
}
