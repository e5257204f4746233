import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hashToken } from '../../services/shared/access-token.ts'
import { loadConnections } from '../../services/shared/postgres/connections.ts'
import { noteSourceActivity } from '../../services/shared/postgres/source-activity.ts'
import { findSourceByTokenHash } from '../../services/shared/postgres/sources.ts'
import {
  anEndpoint,
  startMigratedConsole,
  type TestConsole,
  type TestEndpoint,
  type TestWorkspace,
} from '../support/console.ts'
import { freshDatabase } from '../support/stack.ts'

let api: TestConsole

beforeAll(async () => {
  api = await startMigratedConsole(await freshDatabase())
})

afterAll(() => api.close())

const DAY_MS = 24 * 60 * 60 * 1000

/** A workspace, connected to an endpoint of its own. */
async function connected(): Promise<{ workspace: TestWorkspace; endpoint: TestEndpoint }> {
  const [workspace, endpoint] = [await api.aWorkspace(), await anEndpoint()]
  await workspace.connect({ url: endpoint.url, password: 'hunter2' })
  return { workspace, endpoint }
}

const as = ({ token, path }: TestWorkspace) => ({
  get: (rest: string) => api.call(`GET ${path}${rest}`, { token }),
  post: (rest: string, headers = {}, body = {}) =>
    api.call(`POST ${path}${rest}`, { token, headers, body }),
})

const untilOf = (text: string) => Date.parse(text) - Date.now()

function isVerifiedBy(secret: string, { requests }: TestEndpoint): boolean {
  const { body = '', headers = {} } = requests.at(-1) ?? {}
  try {
    new Webhook(secret).verify(body, headers as Record<string, string>)
    return true
  } catch {
    return false
  }
}

describe('the workspace', () => {
  it('is shown to its customer', async () => {
    const workspace = await api.aWorkspace()

    const { status, body } = await as(workspace).get('')

    expect(status).toBe(200)
    expect(body).toEqual({
      id: workspace.id,
      name: null,
      timezone: 'Europe/Kyiv',
      defaultCountry: 'UA',
      createdAt: expect.any(String),
    })
  })
})

describe('a test event', () => {
  it('arrives like a delivery, and leaves no trace', async () => {
    const { workspace, endpoint } = await connected()

    const { status, body } = await as(workspace).post('/connection/test')

    const { headers = {}, body: sent = '' } = endpoint.requests[1] ?? {}
    expect({ status, body }).toEqual({
      status: 200,
      body: { status: 200, durationMs: expect.any(Number) },
    })
    expect(headers).toMatchObject({
      authorization: 'Bearer hunter2',
      'webhook-id': expect.stringMatching(/^test_/),
    })
    expect(JSON.parse(sent)).toMatchObject({
      event: 'test',
      eventId: headers['webhook-id'],
      workspaceId: workspace.id,
      direction: 'inbound',
      status: 'answered',
      duration: 101,
    })
    const attempts = await api.pool.query(`select from delivery_attempts where workspace_id = $1`, [
      workspace.id,
    ])
    expect(attempts.rowCount).toBe(0)
  })

  it('hides the number where the customer wants that', async () => {
    const { workspace, endpoint } = await connected()
    await workspace.connect({ url: endpoint.url, maskNumbers: true })

    await as(workspace).post('/connection/test')

    expect(endpoint.requests.at(-1)?.body).toContain('+380 67 ••• 5678')
    expect(endpoint.requests.at(-1)?.body).not.toContain('+380671235678')
  })

  it('says what went wrong and what to do', async () => {
    const { workspace } = await connected()
    const broken = await anEndpoint({ kind: 'answers', status: 401 })
    await api.pool.query(`update connections set url = $2 where workspace_id = $1`, [
      workspace.id,
      broken.url,
    ])

    const { status, body } = await as(workspace).post('/connection/test')

    expect(status).toBe(422)
    expect(body).toMatchObject({
      title: 'The endpoint did not accept the test event',
      errorClass: 'unauthorized',
      status: 401,
      hint: expect.stringContaining('password'),
    })
  })
})

describe('retry now', () => {
  const waits = (workspace: TestWorkspace, state: string) =>
    api.pool.query(
      `update connections set state = $2, retry_event_id = 'evt_1', retry_attempt = 3,
         retry_next_at = now() + interval '10 minutes' where workspace_id = $1`,
      [workspace.id, state],
    )

  it('tells the dispatcher, by a newer version', async () => {
    const { workspace } = await connected()
    await waits(workspace, 'failing')

    const { status, body } = await as(workspace).post('/connection/retry-now')

    const [row] = await loadConnections(api.pool, [workspace.id])
    expect(status).toBe(202)
    expect(row).toMatchObject({ version: 2, retryNowAt: new Date(body.askedAt) })
  })

  it('is refused when nothing waits', async () => {
    const { workspace } = await connected()
    const healthy = await as(workspace).post('/connection/retry-now')
    await waits(workspace, 'suspended')
    const suspended = await as(workspace).post('/connection/retry-now')
    await workspace.disconnect()
    const disconnected = await as(workspace).post('/connection/retry-now')

    expect([healthy, suspended, disconnected].map(({ status }) => status)).toEqual([409, 409, 409])
  })
})

describe('the signing secret', () => {
  it('signs together with the one before for a day', async () => {
    const { workspace, endpoint } = await connected()
    const first = (await as(workspace).get('/connection/signing-secret')).body

    const { body: second } = await as(workspace).post('/connection/signing-secret/rotate')
    await as(workspace).post('/connection/test')

    expect(first.previousValidUntil).toBeNull()
    expect(Math.abs(untilOf(second.previousValidUntil) - DAY_MS)).toBeLessThan(60_000)
    expect(second.signingSecret).not.toBe(first.signingSecret)
    expect((await as(workspace).get('/connection/signing-secret')).body).toEqual(second)
    expect(isVerifiedBy(first.signingSecret, endpoint)).toBe(true)
    expect(isVerifiedBy(second.signingSecret, endpoint)).toBe(true)
    const [row] = await loadConnections(api.pool, [workspace.id])
    expect(row?.version).toBe(2)
    expect(JSON.stringify(row)).not.toContain('whsec_')
  })

  it('signs alone once the day is over', async () => {
    const { workspace, endpoint } = await connected()
    const first = (await as(workspace).get('/connection/signing-secret')).body
    await as(workspace).post('/connection/signing-secret/rotate')
    await api.pool.query(
      `update connections set previous_secret_until = now() where workspace_id = $1`,
      [workspace.id],
    )

    await as(workspace).post('/connection/test')

    expect(isVerifiedBy(first.signingSecret, endpoint)).toBe(false)
  })

  it('does not make a ping fail at an endpoint that has the old one', async () => {
    const { workspace, endpoint } = await connected()
    const { signingSecret } = (await as(workspace).get('/connection/signing-secret')).body
    await as(workspace).post('/connection/signing-secret/rotate')

    await workspace.connect({ url: endpoint.url })

    expect(isVerifiedBy(signingSecret, endpoint)).toBe(true)
  })
})

describe('without a connection', () => {
  it.each([
    'POST /connection/test',
    'GET /connection/signing-secret',
    'POST /connection/signing-secret/rotate',
  ])('%s is refused with what to do', async (line) => {
    const { path, token } = await api.aWorkspace()
    const [method, rest] = line.split(' ')

    const { status, body } = await api.call(`${method} ${path}${rest}`, { token })

    expect(status).toBe(409)
    expect(body.detail).toContain('Connect first')
  })
})

describe('a source', () => {
  const tokenOf = (webhookUrl: string) => webhookUrl.split('/').at(-1) ?? ''
  const find = (webhookUrl: string) =>
    findSourceByTokenHash(api.pool, hashToken(tokenOf(webhookUrl)))

  async function aSource(workspace: TestWorkspace) {
    return (await as(workspace).post('/sources', {}, { provider: 'binotel' })).body
  }

  it('is opened by both webhook URLs for a day after a rotation', async () => {
    const workspace = await api.aWorkspace()
    const created = await aSource(workspace)

    const { body: rotated } = await as(workspace).post(`/sources/${created.id}/rotate-token`)

    expect(Math.abs(untilOf(rotated.previousValidUntil) - DAY_MS)).toBeLessThan(60_000)
    expect(await find(rotated.webhookUrl)).toMatchObject({ id: created.id, tokenValidUntil: null })
    expect(api.sourceTokens.read(rotated.webhookUrl.split('/').at(-1))).toMatchObject({
      kind: 'signed',
      source: { id: created.id, workspaceId: workspace.id },
    })
    expect(await find(created.webhookUrl)).toMatchObject({
      id: created.id,
      tokenValidUntil: new Date(rotated.previousValidUntil),
    })
    const { body: listed } = await as(workspace).get('/sources')
    expect(listed.items[0].previousValidUntil).toBe(rotated.previousValidUntil)
    await api.pool.query(`update sources set previous_token_until = now() where id = $1`, [
      created.id,
    ])
    expect(await find(created.webhookUrl)).toBeNull()
  })

  it('of another workspace cannot be rotated', async () => {
    const [own, other] = [await api.aWorkspace(), await api.aWorkspace()]
    const { id } = await aSource(other)

    expect((await as(own).post(`/sources/${id}/rotate-token`)).status).toBe(404)
  })

  it('shows when its first and its last webhook came', async () => {
    const workspace = await api.aWorkspace()
    const { id: sourceId } = await aSource(workspace)
    const shown = async () => {
      const { body } = await as(workspace).get('/sources')
      const { firstEventAt, lastEventAt } = body.items[0]
      return { firstEventAt, lastEventAt }
    }
    const before = await shown()
    const [first, last] = [new Date('2026-05-26T10:00:00Z'), new Date('2026-05-26T11:00:00Z')]

    await noteSourceActivity(api.pool, [{ sourceId, at: last }])
    await noteSourceActivity(api.pool, [
      { sourceId, at: first },
      { sourceId: 'source_removed', at: first },
    ])

    expect(before).toEqual({ firstEventAt: null, lastEventAt: null })
    expect(await shown()).toEqual({
      firstEventAt: first.toISOString(),
      lastEventAt: last.toISOString(),
    })
  })
})
