import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { awayEventLog, type LogEnd } from '../../services/console/event-log.ts'
import { findConnection } from '../../services/shared/postgres/connections.ts'
import { listGaps } from '../../services/shared/postgres/gaps.ts'
import {
  anEndpoint,
  aSelfSignedEndpoint,
  startMigratedConsole,
  type TestConsole,
} from '../support/console.ts'
import { closedPort } from '../support/misbehaving-endpoint.ts'
import { freshDatabase } from '../support/stack.ts'

let api: TestConsole
/** What the log ends with when it is asked; null: Kafka is away. */
let logEnd: LogEnd | null = null

beforeAll(async () => {
  const end = async (workspaceId: string) => logEnd ?? awayEventLog.end(workspaceId)
  api = await startMigratedConsole(await freshDatabase(), { eventLog: { ...awayEventLog, end } })
})

afterAll(() => api.close())

describe('connecting', () => {
  it('posts a signed ping with the headers of a delivery and stores nothing in the clear', async () => {
    const workspace = await api.aWorkspace()
    const endpoint = await anEndpoint()

    const { status, body } = await workspace.connect({ url: endpoint.url, password: 'hunter2' })

    const [ping] = endpoint.requests
    const headers = ping?.headers as Record<string, string>
    expect({ status, state: body.state, url: body.url }).toEqual({
      status: 200,
      state: 'connected',
      url: endpoint.url,
    })
    expect(new Webhook(body.signingSecret).verify(ping?.body ?? '', headers)).toMatchObject({
      event: 'ping',
      workspaceId: workspace.id,
    })
    expect(headers).toMatchObject({
      authorization: 'Bearer hunter2',
      'content-type': 'application/json',
      'user-agent': expect.stringMatching(/^call-webhook\/\d/),
      'webhook-id': expect.stringMatching(/^ping_/),
      'webhook-sequence': '0',
      'webhook-attempt': '1',
    })
    const stored = JSON.stringify(await findConnection(api.pool, workspace.id))
    expect(stored).not.toMatch(/hunter2|whsec_/)
  })

  it('keeps where the log ended, and by Kafka that is away nothing', async () => {
    const [workspace, other] = [await api.aWorkspace(), await api.aWorkspace()]
    const { url } = await anEndpoint()
    logEnd = { topic: 'calls.events', offset: 17, lastAt: null }

    await workspace.connect({ url })
    logEnd = null
    await other.connect({ url })

    expect(await findConnection(api.pool, workspace.id)).toMatchObject({
      connectedTopic: 'calls.events',
      connectedOffset: 17,
    })
    expect(await findConnection(api.pool, other.id)).toMatchObject({ connectedOffset: null })
  })

  it('ends the gap behind all that was given up, though the clock of the broker is ahead', async () => {
    const workspace = await api.aWorkspace()
    const { url } = await anEndpoint()
    await workspace.connect({ url })
    await workspace.disconnect()
    const lastAt = Date.now() + 60_000
    logEnd = { topic: 'calls.events', offset: 17, lastAt }

    await workspace.connect({ url })
    await workspace.connect({ url, maskNumbers: true })
    logEnd = null

    const query = { workspaceId: workspace.id, beforeId: null, limit: 10 }
    expect(await listGaps(api.pool, query)).toMatchObject([{ to: new Date(lastAt + 1) }])
  })

  it('shows what it connected, and no secret', async () => {
    const workspace = await api.aWorkspace()
    const { url } = await anEndpoint()
    const before = await workspace.connection()
    await workspace.connect({ url, password: 'hunter2', maskNumbers: true })

    const after = await workspace.connection()

    expect(before).toEqual({ state: 'disconnected' })
    expect(after).toEqual({
      state: 'connected',
      url,
      hasPassword: true,
      passwordScheme: 'bearer',
      passwordHeader: null,
      maskNumbers: true,
      connectedAt: expect.any(String),
      lastDeliveredAt: null,
      lastError: null,
      retry: null,
    })
  })

  it.each([
    ['basic', { password: 'user:їжак', passwordScheme: 'basic' }, 'authorization'],
    ['header', { password: 'hunter2', passwordHeader: 'x-make-apikey' }, 'x-make-apikey'],
  ])('sends the password as the customer wants it: %s', async (_scheme, credentials, header) => {
    const workspace = await api.aWorkspace()
    const endpoint = await anEndpoint()

    await workspace.connect({ url: endpoint.url, ...credentials })

    expect(endpoint.requests[0]?.headers[header]).toBe(
      header === 'authorization'
        ? `Basic ${btoa('user:\xd1\x97\xd0\xb6\xd0\xb0\xd0\xba')}`
        : 'hunter2',
    )
  })

  it.each([
    ['unauthorized', 401],
    ['not_found', 404],
    ['server_error', 500],
    ['rejected', 422],
    ['rate_limited', 429],
    ['client_error', 405],
    ['redirect', 302],
  ])('says %s when the endpoint answers %i, and changes nothing', async (errorClass, status) => {
    const workspace = await api.aWorkspace()
    const endpoint = await anEndpoint({ kind: 'answers', status, location: 'http://127.0.0.1:1/' })

    const answer = await workspace.connect({ url: endpoint.url })

    expect(answer).toMatchObject({
      status: 422,
      body: { type: 'urn:call-webhook:problem:ping-failed', errorClass, status },
    })
    expect(answer.body.hint).not.toBe('')
    expect(await workspace.connection()).toEqual({ state: 'disconnected' })
  })

  it('tells apart why there was no answer', async () => {
    const workspace = await api.aWorkspace()
    const hanging = await anEndpoint({ kind: 'hangs' })
    const resetting = await anEndpoint({ kind: 'resets' })
    const selfSigned = await aSelfSignedEndpoint()
    const urls = {
      timeout: hanging.url,
      reset: resetting.url,
      tls: selfSigned.url,
      refused: `http://127.0.0.1:${await closedPort()}/`,
      dns: 'https://does-not-exist.invalid/',
      blocked_address: 'http://169.254.169.254/latest/meta-data/',
    }

    for (const [errorClass, url] of Object.entries(urls)) {
      const { status, body } = await workspace.connect({ url })
      expect({ status, errorClass: body.errorClass }).toEqual({ status: 422, errorClass })
      expect(body).not.toHaveProperty('status')
    }
  })

  it('does not read an answer without end', async () => {
    const workspace = await api.aWorkspace()
    const { url } = await anEndpoint({ kind: 'floods' })

    expect((await workspace.connect({ url })).status).toBe(200)
  })

  it('leaves a working connection as it was when the new target fails', async () => {
    const workspace = await api.aWorkspace()
    const good = await anEndpoint()
    const bad = await anEndpoint({ kind: 'answers', status: 404 })
    await workspace.connect({ url: good.url, password: 'hunter2' })
    const before = await findConnection(api.pool, workspace.id)

    await workspace.connect({ url: bad.url, password: 'other' })

    expect(await findConnection(api.pool, workspace.id)).toEqual(before)
  })

  it('keeps the signing secret and the waiting events when the target changes', async () => {
    const workspace = await api.aWorkspace()
    const [one, two] = [await anEndpoint(), await anEndpoint()]
    const first = await workspace.connect({ url: one.url })

    const second = await workspace.connect({ url: two.url })

    expect(second.body).toEqual({
      state: 'connected',
      url: two.url,
      connectedAt: first.body.connectedAt,
    })
    const { body = '', headers } = two.requests[0] ?? {}
    const { signingSecret } = first.body
    expect(() => new Webhook(signingSecret).verify(body, headers as never)).not.toThrow()
  })

  it('keeps an omitted password for its host only', async () => {
    const workspace = await api.aWorkspace()
    const [own, other] = [await anEndpoint(), await anEndpoint()]
    await workspace.connect({ url: own.url, password: 'hunter2', passwordHeader: 'x-key' })

    await workspace.connect({ url: `${own.url}/other-path` })
    await workspace.connect({ url: other.url })

    expect(own.requests[1]?.headers['x-key']).toBe('hunter2')
    expect(other.requests[0]?.headers['x-key']).toBeUndefined()
    expect(await workspace.connection()).toMatchObject({ hasPassword: false })
  })

  it('removes the password when it is null', async () => {
    const workspace = await api.aWorkspace()
    const { url } = await anEndpoint()
    await workspace.connect({ url, password: 'hunter2' })

    await workspace.connect({ url, password: null })

    expect(await workspace.connection()).toMatchObject({ hasPassword: false })
  })

  it('grows the version with each change, disconnects included', async () => {
    const workspace = await api.aWorkspace()
    const { url } = await anEndpoint()
    const versions: (number | undefined)[] = []
    for (const change of [() => workspace.connect({ url }), workspace.disconnect]) {
      for (let times = 0; times < 2; times += 1) {
        await change()
        versions.push((await findConnection(api.pool, workspace.id))?.version)
      }
    }

    expect(versions).toEqual([1, 2, 3, 3])
  })

  it('changes nothing when somebody disconnects during the ping', async () => {
    const workspace = await api.aWorkspace()
    const endpoint = await anEndpoint()
    const slow = await anEndpoint({
      kind: 'answers',
      status: 200,
      meanwhile: () => workspace.disconnect(),
    })
    await workspace.connect({ url: endpoint.url })

    const { status } = await workspace.connect({ url: slow.url })

    expect(status).toBe(409)
    expect(await workspace.connection()).toEqual({ state: 'disconnected' })
  })

  it('names each wrong field without asking any endpoint', async () => {
    const workspace = await api.aWorkspace()
    const endpoint = await anEndpoint()

    const paths = async (target: object) =>
      (await workspace.connect(target)).body.errors.map(({ path }: { path: string }) => path)

    expect({
      none: await paths({}),
      url: await paths({ url: 'ftp://example.com' }),
      basic: await paths({ url: endpoint.url, password: 'secret', passwordScheme: 'basic' }),
      lineBreak: await paths({ url: endpoint.url, password: 'a\nb' }),
      noName: await paths({ url: endpoint.url, password: 'x', passwordScheme: 'header' }),
      ours: await paths({ url: endpoint.url, password: 'x', passwordHeader: 'webhook-id' }),
    }).toEqual({
      none: ['body.url'],
      url: ['body.url'],
      basic: ['body.password'],
      lineBreak: ['body.password'],
      noName: ['body.passwordHeader'],
      ours: ['body.passwordHeader'],
    })
    expect(endpoint.requests).toEqual([])
  })
})

describe('disconnecting', () => {
  it('forgets URL and secrets, and is no error twice', async () => {
    const workspace = await api.aWorkspace()
    const { url } = await anEndpoint()
    await workspace.connect({ url, password: 'hunter2' })

    const answers = [await workspace.disconnect(), await workspace.disconnect()]

    expect(answers.map(({ status }) => status)).toEqual([204, 204])
    expect(await workspace.connection()).toEqual({ state: 'disconnected' })
    expect(await findConnection(api.pool, workspace.id)).toMatchObject({
      url: null,
      passwordSealed: null,
      signingSecretSealed: null,
    })
  })

  it('starts anew at the next connect: with new events and a new signing secret', async () => {
    const workspace = await api.aWorkspace()
    const { url } = await anEndpoint()
    const { body: first } = await workspace.connect({ url })
    await workspace.disconnect()
    await api.pool.query(`update connections set connected_at = '2026-01-01'`)

    const { body: second } = await workspace.connect({ url })

    expect(second.signingSecret).not.toBe(first.signingSecret)
    expect(second.connectedAt > '2026-01-02').toBe(true)
  })
})
