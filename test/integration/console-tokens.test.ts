import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  PUBLIC_URL,
  pagesOf,
  startMigratedConsole,
  type TestConsole,
  type TestWorkspace,
} from '../support/console.ts'
import { logLines } from '../support/log-lines.ts'
import { freshDatabase } from '../support/stack.ts'

let api: TestConsole
const log = logLines('console')

beforeAll(async () => {
  api = await startMigratedConsole(await freshDatabase(), { logger: log.logger })
})

afterAll(() => api.close())

/** Another token of the workspace. */
async function aToken({ path }: TestWorkspace, body: object = {}) {
  const made = await api.call(`POST ${path}/tokens`, { body })
  expect(made.status).toBe(201)
  return made.body as { readonly token: string; readonly id: string; readonly expiresAt: string }
}

async function statusWith(token: string, { path }: TestWorkspace): Promise<number> {
  return (await api.call(`GET ${path}/sources`, { token })).status
}

async function listed({ path, token }: TestWorkspace) {
  const { body } = await api.call(`GET ${path}/tokens`, { token })
  return body.items as readonly Record<string, unknown>[]
}

describe('access tokens of a workspace', () => {
  it('are listed, newest first, with what they are for and when they were used', async () => {
    const workspace = await api.aWorkspace()
    const unused = await aToken(workspace, { label: 'CRM', expiresInSeconds: 3_600 })

    const [first, second, ...others] = await listed(workspace)

    expect(others).toEqual([])
    expect(first).toMatchObject({
      id: unused.id,
      label: 'CRM',
      expiresAt: unused.expiresAt,
      lastUsedAt: null,
    })
    expect(second).toMatchObject({ label: null, expiresAt: null })
    const usedAt = Date.parse(String(second?.['lastUsedAt']))
    expect(Math.abs(usedAt - Date.now())).toBeLessThan(60_000)
    expect(JSON.stringify([first, second])).not.toMatch(/cwt_/)
  })

  it('are listed page by page', async () => {
    const workspace = await api.aWorkspace()
    const labels = ['a', 'b', 'c', 'd']
    for (const label of labels) await aToken(workspace, { label })

    const pages = await pagesOf(api, `${workspace.path}/tokens`, 2)

    expect(pages.map((page) => page.map(({ label }) => label))).toEqual([
      ['d', 'c'],
      ['b', 'a'],
      [null],
    ])
  })

  it('open nothing once they are revoked, and the others go on', async () => {
    const workspace = await api.aWorkspace()
    const { id, token } = await aToken(workspace)
    expect(await statusWith(token, workspace)).toBe(200)

    const revoke = () => api.call(`DELETE ${workspace.path}/tokens/${id}`)

    expect([(await revoke()).status, (await revoke()).status]).toEqual([204, 404])
    expect(await statusWith(token, workspace)).toBe(401)
    expect(await statusWith(workspace.token, workspace)).toBe(200)
  })

  it('open nothing once their time is over', async () => {
    const workspace = await api.aWorkspace()
    const { id, token } = await aToken(workspace, { expiresInSeconds: 60 })
    expect(await statusWith(token, workspace)).toBe(200)

    await api.pool.query(
      `update access_tokens set expires_at = now() - interval '1 second' where id = $1`,
      [id],
    )

    expect(await statusWith(token, workspace)).toBe(401)
  })

  it('are revoked by nobody of another workspace', async () => {
    const [own, other] = [await api.aWorkspace(), await api.aWorkspace()]
    const [{ id } = {}] = await listed(own)

    const { status } = await api.call(`DELETE ${other.path}/tokens/${id}`, { token: other.token })

    expect(status).toBe(404)
    expect(await statusWith(own.token, own)).toBe(200)
  })
})

describe('revoking everywhere', () => {
  it('ends tokens, sessions and links of the workspace, and of no other', async () => {
    const [own, other] = [await api.aWorkspace(), await api.aWorkspace()]
    const signedIn = async ({ token, path }: TestWorkspace) => {
      const { headers } = await api.call('POST /v1/session', { token: null, body: { token } })
      const cookie = String(headers['set-cookie']).split(';')[0] ?? ''
      const ask = () => api.call(`GET ${path}/sources`, { token: null, headers: { cookie } })
      return { cookie, status: async () => (await ask()).status }
    }
    const [session, others] = [await signedIn(own), await signedIn(other)]
    const { body: link } = await api.call(`POST ${own.path}/portal-links`, { body: {} })
    expect([await session.status(), await others.status()]).toEqual([200, 200])

    const revoked = await api.call(`DELETE ${own.path}/tokens`, {
      token: null,
      headers: { cookie: session.cookie, origin: PUBLIC_URL },
    })

    expect(revoked.status).toBe(204)
    expect(await statusWith(own.token, own)).toBe(401)
    expect(await session.status()).toBe(401)
    const opened = await api.call(`GET ${new URL(link.url).pathname}`, { token: null })
    expect(opened.status).toBe(404)
    expect([await others.status(), await statusWith(other.token, other)]).toEqual([200, 200])
  })
})

describe('the log', () => {
  it('says who has asked, and about which workspace', async () => {
    const workspace = await api.aWorkspace()
    const [{ id: tokenId } = {}] = await listed(workspace)
    const path = `${workspace.path}/connection`

    await api.call(`DELETE ${path}`)
    await api.call(`DELETE ${path}`, { token: workspace.token })
    await api.call(`DELETE ${path}`, { token: null })

    const route = '/v1/workspaces/:id/connection'
    const lines = log.of('request.answered').filter((line) => line['route'] === route)
    expect(lines).toMatchObject([
      { who: 'operator', workspaceId: workspace.id, statusCode: 204 },
      { who: 'token', workspaceId: workspace.id, tokenId, statusCode: 204 },
      { who: 'nobody', statusCode: 401 },
    ])
    expect(JSON.stringify(lines)).not.toContain(workspace.token)
  })
})
