import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { hashToken } from '../../services/shared/access-token.ts'
import { startConsole, startMigratedConsole, type TestConsole } from '../support/console.ts'
import { closedPort } from '../support/misbehaving-endpoint.ts'
import { freshDatabase } from '../support/stack.ts'

let api: TestConsole

beforeAll(async () => {
  api = await startMigratedConsole(await freshDatabase())
})

afterAll(() => api.close())

describe('workspaces', () => {
  it('are created once and changed afterwards', async () => {
    const created = await api.call('PUT /v1/workspaces/ws_new', { body: {} })
    const changed = await api.call('PUT /v1/workspaces/ws_new', {
      body: { name: 'ТОВ «Їжак»', timezone: 'Europe/Warsaw', defaultCountry: 'PL' },
    })

    expect(created).toMatchObject({
      status: 201,
      body: { id: 'ws_new', name: null, timezone: 'Europe/Kyiv', defaultCountry: 'UA' },
    })
    expect(changed).toMatchObject({
      status: 200,
      body: { name: 'ТОВ «Їжак»', timezone: 'Europe/Warsaw', createdAt: created.body.createdAt },
    })
  })

  it('name each wrong field by its path', async () => {
    const { status, body, headers } = await api.call('PUT /v1/workspaces/ws_new', {
      body: { timezone: 'Kyiv', defaultCountry: 'Ukraine', colour: 'red' },
    })

    expect(status).toBe(422)
    expect(headers['content-type']).toMatch('application/problem+json')
    expect(body.errors.map(({ path }: { path: string }) => path)).toEqual(
      expect.arrayContaining(['body.timezone', 'body.defaultCountry', 'body']),
    )
  })

  it.each(['ws%20x', 'x'.repeat(65), 'ws%2F1'])('refuse the id %s', async (id) => {
    expect((await api.call(`PUT /v1/workspaces/${id}`, { body: {} })).status).toBe(422)
  })
})

describe('authorization', () => {
  it('asks for a token and says how', async () => {
    const { path } = await api.aWorkspace()

    const without = await api.call(`GET ${path}/connection`, { token: null })
    const wrong = await api.call(`GET ${path}/connection`, { token: 'cwt_wrong' })

    expect(without).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer' } })
    expect(wrong).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
    })
  })

  it('opens with a token its own workspace and no other', async () => {
    const [one, two] = [await api.aWorkspace(), await api.aWorkspace()]

    const own = await api.call(`GET ${one.path}/sources`, { token: one.token })
    const other = await api.call(`GET ${two.path}/sources`, { token: one.token })
    const unknown = await api.call('GET /v1/workspaces/ws_none/sources', { token: one.token })

    expect([own.status, other.status, unknown.status]).toEqual([200, 403, 403])
  })

  it('keeps what is the operator’s from a workspace', async () => {
    const { path, token } = await api.aWorkspace()

    const answers = [
      await api.call(`PUT ${path}`, { token, body: {} }),
      await api.call(`POST ${path}/tokens`, { token, body: {} }),
    ]

    expect(answers.map(({ status }) => status)).toEqual([403, 403])
  })

  it('tells only the operator that a workspace does not exist', async () => {
    const answers = [
      await api.call('POST /v1/workspaces/ws_none/tokens'),
      await api.call('GET /v1/workspaces/ws_none/connection'),
      await api.call('GET /v1/workspaces/..%2F..%2Fetc/connection'),
    ]

    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404])
  })

  it('stores no token that could be used', async () => {
    const { token } = await api.aWorkspace()

    const { rows } = await api.pool.query('select token_hash from access_tokens')

    expect(rows.map(({ token_hash }) => token_hash)).toContainEqual(hashToken(token))
  })
})

describe('the API', () => {
  it('answers with a problem document whatever goes wrong', async () => {
    const { path, token } = await api.aWorkspace()
    const authorization = `Bearer ${token}`
    const send = (url: string, contentType: string, payload: string) =>
      api.app.inject({
        method: 'PUT',
        url,
        headers: { authorization, 'content-type': contentType },
        payload,
      })
    const answers = [
      await api.app.inject({ method: 'GET', url: '/nothing' }),
      await api.app.inject({ method: 'GET', url: '/%' }),
      await api.app.inject({ method: 'PATCH', url: `${path}/connection` }),
      await send(`${path}/connection`, 'text/plain', 'x'),
      await send(`${path}/connection`, 'application/json', '{'),
      await send(`${path}/connection`, 'application/json', `"${'x'.repeat(70_000)}"`),
      await send(`${path}/connection`, 'application/json', '[]'),
    ]

    expect(answers.map(({ statusCode }) => statusCode)).toEqual([404, 400, 405, 415, 400, 413, 422])
    for (const answer of answers) {
      expect(answer.headers['content-type']).toMatch('application/problem+json')
      expect(answer.json()).toMatchObject({
        status: answer.statusCode,
        type: expect.stringMatching(/^urn:/),
      })
    }
    expect(answers[2]?.headers['allow']).toBe('DELETE, GET, HEAD, PUT')
  })

  it('describes itself, open to everybody', async () => {
    const { status, body } = await api.call('GET /openapi.json', { token: null })

    expect(status).toBe(200)
    expect(body.openapi).toMatch(/^3\.1/)
    expect(Object.keys(body.paths)).toContain('/v1/workspaces/{id}/connection')
  })

  it('says that the database is away instead of failing', async () => {
    const cutOff = await startConsole(`postgres://postgres@127.0.0.1:${await closedPort()}/away`)
    onTestFinished(() => cutOff.close())

    const { status, headers } = await cutOff.call('GET /v1/workspaces/ws_1/sources')

    expect(status).toBe(503)
    expect(headers['retry-after']).toBe('5')
  })
})
