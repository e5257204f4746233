import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { ConsoleDeps } from '../../services/console/console-app.ts'
import { FAILED_SIGN_INS_PER_MINUTE } from '../../services/console/sign-in-limit.ts'
import { Secret } from '../../services/shared/config.ts'
import { createLogger } from '../../services/shared/logger.ts'
import {
  OPERATOR_TOKEN,
  PUBLIC_URL,
  startConsole,
  startMigratedConsole,
  type TestConsole,
  type TestWorkspace,
} from '../support/console.ts'
import { freshDatabase } from '../support/stack.ts'

let api: TestConsole
let databaseUrl: string

beforeAll(async () => {
  databaseUrl = await freshDatabase()
  api = await startMigratedConsole(databaseUrl)
})

afterAll(() => api.close())

/** Another console on the same database, until the end of the test. */
async function aConsole(overrides: Partial<ConsoleDeps>): Promise<TestConsole> {
  const other = await startConsole(databaseUrl, overrides)
  onTestFinished(() => other.close())
  return other
}

/** Path of a new sign-in link. */
async function aLink(workspace: TestWorkspace, at = api, body = {}): Promise<string> {
  const { body: link } = await at.call(`POST ${workspace.path}/portal-links`, { body })
  return new URL(link.url).pathname
}

/** As a browser that has just opened a link: its cookie, to be sent back. */
async function signedIn(workspace: TestWorkspace, at = api): Promise<{ cookie: string }> {
  const { headers } = await at.call(`GET ${await aLink(workspace, at)}`, { token: null })
  return { cookie: cookieOf(headers) }
}

function cookieOf(headers: Readonly<Record<string, unknown>>): string {
  return String(headers['set-cookie']).split(';')[0] ?? ''
}

const browser = (headers: object) => ({ token: null, headers: { ...headers } })
const fromOwnPage = { origin: PUBLIC_URL }
const fromElsewhere = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }

describe('a portal link', () => {
  it('signs a browser in for its workspace and leads to the page', async () => {
    const workspace = await api.aWorkspace()

    const { status, headers } = await api.call(`GET ${await aLink(workspace)}`, { token: null })

    expect({ status, location: headers['location'] }).toEqual({ status: 303, location: '/' })
    const attributes = String(headers['set-cookie']).split('; ').slice(1)
    expect(attributes.sort()).toEqual(
      ['HttpOnly', 'Max-Age=43200', 'Path=/', 'SameSite=Lax', 'Secure'].sort(),
    )
    const shown = await api.call('GET /v1/session', browser({ cookie: cookieOf(headers) }))
    expect(shown.body).toMatchObject({ workspaceId: workspace.id, timezone: 'Europe/Kyiv' })
  })

  it('works once', async () => {
    const link = await aLink(await api.aWorkspace())
    await api.call(`GET ${link}`, { token: null })

    const second = await api.call(`GET ${link}`, { token: null })

    expect(second.status).toBe(410)
    expect(second.headers['set-cookie']).toBeUndefined()
    expect(second.text).toMatch(/has been used.*Ask for a new one/)
    expect(second.text).not.toMatch(/<script|<style|style=/)
  })

  it('works once for two at the same moment', async () => {
    const link = await aLink(await api.aWorkspace())

    const answers = await Promise.all(
      Array.from({ length: 8 }, () => api.call(`GET ${link}`, { token: null })),
    )

    const statuses = answers.map(({ status }) => status).sort()
    expect(statuses).toEqual([303, ...Array.from({ length: 7 }, () => 410)])
  })

  it('is not used up by what only looks at it', async () => {
    const link = await aLink(await api.aWorkspace())

    const looked = await api.app.inject({ method: 'HEAD', url: link })

    expect(looked.statusCode).toBe(405)
    expect((await api.call(`GET ${link}`, { token: null })).status).toBe(303)
  })

  it('says when it has expired, and when it is none', async () => {
    const workspace = await api.aWorkspace()
    const link = await aLink(workspace, api, { expiresInSeconds: 10 })
    await api.pool.query(
      `update portal_links set expires_at = now() - interval '1 second' where workspace_id = $1`,
      [workspace.id],
    )

    const expired = await api.call(`GET ${link}`, { token: null })
    const unknown = await api.call('GET /portal/link_wrong', { token: null })

    expect(expired.status).toBe(410)
    expect(expired.text).toContain('has expired')
    expect(unknown.status).toBe(404)
  })

  it('is made for workspaces that exist only', async () => {
    const { status } = await api.call('POST /v1/workspaces/ws_none/portal-links', { body: {} })

    expect(status).toBe(404)
  })

  it('is stored as a hash only, as is the session', async () => {
    const { cookie } = await signedIn(await api.aWorkspace())

    const { rows } = await api.pool.query(
      `select row_to_json(l)::text as text from portal_links l
       union all select row_to_json(s)::text from sessions s`,
    )

    const stored = rows.map(({ text }) => text).join()
    expect(stored).not.toMatch(/link_|ses_/)
    expect(stored).not.toContain(cookie.split('=')[1])
  })
})

describe('a signed-in browser', () => {
  it('opens its own workspace, and no other', async () => {
    const [own, other] = [await api.aWorkspace(), await api.aWorkspace()]
    const headers = await signedIn(own)

    const answers = [
      await api.call(`GET ${own.path}/sources`, browser(headers)),
      await api.call(`GET ${other.path}/sources`, browser(headers)),
      await api.call('GET /v1/workspaces/ws_none/sources', browser(headers)),
      await api.call(`POST ${own.path}/tokens`, browser({ ...headers, ...fromOwnPage })),
    ]

    expect(answers.map(({ status }) => status)).toEqual([200, 403, 403, 403])
  })

  it('changes something from our own page only', async () => {
    const { path, ...workspace } = await api.aWorkspace()
    const headers = await signedIn({ path, ...workspace })
    const disconnect = async (from: object) =>
      (await api.call(`DELETE ${path}/connection`, browser({ ...headers, ...from }))).status

    expect({
      ownOrigin: await disconnect(fromOwnPage),
      ownBySite: await disconnect({ 'sec-fetch-site': 'same-origin' }),
      crossSite: await disconnect(fromElsewhere),
      siblingSite: await disconnect({
        origin: 'https://other.example.com',
        'sec-fetch-site': 'same-site',
      }),
      opaque: await disconnect({ origin: 'null' }),
      unsaid: await disconnect({}),
    }).toEqual({
      ownOrigin: 204,
      ownBySite: 204,
      crossSite: 403,
      siblingSite: 403,
      opaque: 403,
      unsaid: 403,
    })
  })

  it('is not asked where it comes from when it sends a token', async () => {
    const { path, token } = await api.aWorkspace()

    const { status } = await api.call(`DELETE ${path}/connection`, {
      token,
      headers: fromElsewhere,
    })

    expect(status).toBe(204)
  })

  it('is signed out by itself and when its time is over', async () => {
    const workspace = await api.aWorkspace()
    const [left, expired] = [await signedIn(workspace), await signedIn(workspace)]

    const out = await api.call('DELETE /v1/session', browser({ ...left, ...fromOwnPage }))
    const after = await api.call('GET /v1/session', browser(left))
    await api.pool.query(`update sessions set expires_at = now() where workspace_id = $1`, [
      workspace.id,
    ])
    const late = await api.call(`GET ${workspace.path}/sources`, browser(expired))

    expect([out.status, after.status, late.status]).toEqual([204, 401, 401])
    expect(String(out.headers['set-cookie'])).toMatch(/Max-Age=0|Expires=Thu, 01 Jan 1970/)
  })

  it('cannot be signed out from elsewhere', async () => {
    const headers = await signedIn(await api.aWorkspace())

    const out = await api.call('DELETE /v1/session', browser({ ...headers, ...fromElsewhere }))

    expect(out.status).toBe(403)
    expect((await api.call('GET /v1/session', browser(headers))).status).toBe(200)
  })

  it('within frames of a configured site gets a cookie for frames', async () => {
    const framed = await aConsole({ frameOrigins: ['https://crm.example.com'] })
    const link = await aLink(await api.aWorkspace(), framed)

    const { headers } = await framed.call(`GET ${link}`, { token: null })

    const attributes = String(headers['set-cookie']).split('; ').slice(1)
    expect(attributes).toEqual(expect.arrayContaining(['SameSite=None', 'Secure', 'Partitioned']))
    expect(headers['content-security-policy']).toContain('frame-ancestors https://crm.example.com')
    expect(headers['x-frame-options']).toBeUndefined()
  })

  it('gets a cookie that works without https where the public address has none', async () => {
    const plain = await aConsole({ publicUrl: 'http://127.0.0.1:8090' })
    const workspace = await api.aWorkspace()

    const headers = await signedIn(workspace, plain)

    expect(headers.cookie).not.toContain('__Host-')
    const { status } = await plain.call(`GET ${workspace.path}/sources`, browser(headers))
    expect(status).toBe(200)
  })
})

describe('signing in with a token', () => {
  const signIn = (body: object, headers = {}, at = api) =>
    at.call('POST /v1/session', { body, token: null, headers })

  it('opens the workspace of the token', async () => {
    const { id, path, token } = await api.aWorkspace()

    const { status, headers, body } = await signIn({ token })

    expect({ status, workspaceId: body.workspaceId }).toEqual({ status: 200, workspaceId: id })
    const own = await api.call(`GET ${path}/sources`, browser({ cookie: cookieOf(headers) }))
    expect(own.status).toBe(200)
  })

  it('asks the operator for the workspace, whose cookie makes no operator', async () => {
    const { id, path } = await api.aWorkspace()
    const token = OPERATOR_TOKEN

    const without = await signIn({ token })
    const unknown = await signIn({ token, workspaceId: 'ws_none' })
    const known = await signIn({ token, workspaceId: id })

    expect([without.status, unknown.status, known.status]).toEqual([422, 404, 200])
    expect(without.body.errors[0].path).toBe('body.workspaceId')
    const headers = { cookie: cookieOf(known.headers), ...fromOwnPage }
    const asOperator = await api.call(`PUT ${path}`, { ...browser(headers), body: {} })
    expect(asOperator.status).toBe(403)
  })

  it('takes the operator’s token before until it is taken away, and says that it is in use', async () => {
    const [current, before] = ['operator-new', 'operator-before']
    const secrets = [current, before].map((token) => new Secret(token))
    const said: string[] = []
    const logger = createLogger('test', 'info', { write: (line) => said.push(line) })
    const during = await aConsole({ operatorTokens: secrets, logger })
    const after = await aConsole({ operatorTokens: secrets.slice(0, 1) })
    const { path, token: foreign } = await api.aWorkspace()
    const tokens = [current, before, foreign, 'operator-wrong']
    const statusOf = async (token: string, at: TestConsole) =>
      (await at.call(`PUT ${path}`, { token, body: {} })).status
    const statuses = (at: TestConsole) => Promise.all(tokens.map((token) => statusOf(token, at)))

    expect(await statuses(during)).toEqual([200, 200, 403, 401])
    const told = said.filter((line) => line.includes('operator_token.previous_used'))
    expect(told).toHaveLength(1)
    expect(said.join('')).not.toContain('operator-')
    expect(await statuses(after)).toEqual([200, 401, 403, 401])
  })

  it('refuses another workspace, a wrong token and a foreign page', async () => {
    const [own, other] = [await api.aWorkspace(), await api.aWorkspace()]

    const answers = [
      await signIn({ token: own.token, workspaceId: other.id }),
      await signIn({ token: 'cwt_wrong' }),
      await signIn({ token: own.token }, fromElsewhere),
    ]

    expect(answers.map(({ status }) => status)).toEqual([403, 401, 403])
  })

  it('makes guessing slow, and nobody wait who does not guess', async () => {
    const guarded = await aConsole({})
    const { token } = await api.aWorkspace()
    const attempts: number[] = []
    for (let times = 0; times < FAILED_SIGN_INS_PER_MINUTE; times += 1) {
      attempts.push((await signIn({ token: `cwt_${times}` }, {}, guarded)).status)
    }

    const next = await signIn({ token: 'cwt_one_more' }, {}, guarded)
    const link = await guarded.call('GET /portal/link_guessed', { token: null })

    expect(new Set(attempts)).toEqual(new Set([401]))
    expect([next.status, link.status]).toEqual([429, 429])
    expect(Number(next.headers['retry-after'])).toBeGreaterThan(0)
    expect((await signIn({ token })).status).toBe(200)
  })
})

describe('the page', () => {
  function aBuild(): string {
    const webRoot = mkdtempSync(join(tmpdir(), 'web-'))
    mkdirSync(join(webRoot, 'assets'))
    writeFileSync(join(webRoot, 'index.html'), '<!doctype html><title>page</title>')
    writeFileSync(join(webRoot, 'assets', 'app-1a2b3c.js'), 'run()')
    writeFileSync(join(webRoot, 'assets', 'app-1a2b3c.js.gz'), 'compressed')
    return webRoot
  }

  const html = { token: null, headers: { accept: 'text/html,*/*;q=0.8' } }

  it('is served under a policy that runs nothing inline', async () => {
    const console_ = await aConsole({ webRoot: aBuild() })

    const page = await console_.call('GET /', html)
    const script = await console_.call('GET /assets/app-1a2b3c.js', { token: null })
    const answer = await console_.call('GET /v1/session', { token: null })

    expect(page).toMatchObject({ status: 200, headers: { 'cache-control': 'no-cache' } })
    expect(script.headers['cache-control']).toBe('public, max-age=31536000, immutable')
    expect(answer.headers['cache-control']).toBe('no-store')
    for (const { headers } of [page, script, answer]) {
      expect(headers).toMatchObject({
        'content-security-policy': expect.stringMatching(
          /^default-src 'self';.*frame-ancestors 'none'/,
        ),
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
      })
      expect(String(headers['content-security-policy'])).not.toContain('unsafe')
    }
  })

  it('is what a browser gets at the paths of the page, and nowhere else', async () => {
    const console_ = await aConsole({ webRoot: aBuild() })

    const statuses = await Promise.all(
      [
        console_.call('GET /deliveries/evt_1', html),
        console_.call('GET /v1/nothing', html),
        console_.call('GET /assets/gone.js', html),
        console_.call('GET /deliveries', { token: null, headers: { accept: 'application/json' } }),
        console_.call('POST /', html),
        console_.call('GET /..%2f..%2fpackage.json', { token: null }),
      ].map(async (answer) => (await answer).status),
    )

    expect(statuses).toEqual([200, 404, 404, 404, 405, expect.toSatisfy((code) => code >= 400)])
  })

  it('sends what the build has compressed', async () => {
    const console_ = await aConsole({ webRoot: aBuild() })

    const { headers, text } = await console_.call('GET /assets/app-1a2b3c.js', {
      token: null,
      headers: { 'accept-encoding': 'gzip' },
    })

    expect({ encoding: headers['content-encoding'], text }).toEqual({
      encoding: 'gzip',
      text: 'compressed',
    })
    expect(headers['content-type']).toMatch('javascript')
  })

  it('may be missing: the API works all the same', async () => {
    const { path } = await api.aWorkspace()

    expect((await api.call('GET /', html)).status).toBe(404)
    expect((await api.call(`GET ${path}/sources`)).status).toBe(200)
  })

  it('shows the API at /docs without anything inline', async () => {
    const docs = await api.call('GET /docs', html)
    const script = await api.call('GET /docs/static/swagger-ui-bundle.js', { token: null })

    expect([docs.status, script.status]).toEqual([200, 200])
    expect(docs.text).not.toMatch(/<script(?![^>]*src)|<style|style=/)
    expect(docs.headers['content-security-policy']).not.toContain('unsafe')
  })
})
