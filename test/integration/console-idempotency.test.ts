import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  anEndpoint,
  startMigratedConsole,
  type TestConsole,
  type TestWorkspace,
} from '../support/console.ts'
import { freshDatabase } from '../support/stack.ts'

let api: TestConsole

beforeAll(async () => {
  api = await startMigratedConsole(await freshDatabase())
})

afterAll(() => api.close())

const as = ({ token, path }: TestWorkspace) => ({
  get: (rest: string) => api.call(`GET ${path}${rest}`, { token }),
  post: (rest: string, headers = {}, body = {}) =>
    api.call(`POST ${path}${rest}`, { token, headers, body }),
})

describe('Idempotency-Key', () => {
  const key = () => ({ 'idempotency-key': randomUUID() })
  const body = { provider: 'binotel' }

  it('creates once and gives the same answer again, secrets included', async () => {
    const workspace = await api.aWorkspace()
    const headers = key()

    const first = await as(workspace).post('/sources', headers, body)
    const second = await as(workspace).post('/sources', headers, { ...body, label: null })

    expect(second.status).toBe(201)
    expect(second.body).toEqual(first.body)
    expect(first.headers['idempotency-replayed']).toBeUndefined()
    expect(second.headers['idempotency-replayed']).toBe('true')
    expect((await as(workspace).get('/sources')).body.items).toHaveLength(1)
    const { rows } = await api.pool.query('select answer_sealed from idempotency_keys')
    expect(rows.map(({ answer_sealed }) => answer_sealed).join()).not.toContain('src_')
  })

  it('belongs to one request: another body or another path is a mistake', async () => {
    const workspace = await api.aWorkspace()
    const headers = key()
    const one = (await as(workspace).post('/sources', headers, body)).body
    const two = (await as(workspace).post('/sources', {}, body)).body
    await as(workspace).post(`/sources/${one.id}/rotate-token`, headers)

    const answers = [
      await as(workspace).post('/sources', headers, { ...body, label: 'other' }),
      await as(workspace).post(`/sources/${two.id}/rotate-token`, headers),
    ]

    expect(answers.map(({ status }) => status)).toEqual([422, 422])
    expect(answers[0]?.body.errors[0].path).toBe('headers.idempotency-key')
  })

  it('belongs to one workspace', async () => {
    const [one, two] = [await api.aWorkspace(), await api.aWorkspace()]
    const headers = key()

    const answers = [
      await as(one).post('/sources', headers, body),
      await as(two).post('/sources', headers, body),
    ]

    expect(answers.map((answer) => answer.headers['idempotency-replayed'])).toEqual([
      undefined,
      undefined,
    ])
  })

  it('lets one of many at the same moment create', async () => {
    const workspace = await api.aWorkspace()
    const headers = key()

    const answers = await Promise.all(
      Array.from({ length: 6 }, () => as(workspace).post('/sources', headers, body)),
    )

    const made = answers.filter(({ status }) => status === 201)
    expect(new Set(made.map((answer) => answer.body.id)).size).toBe(1)
    expect(answers.every(({ status }) => status === 201 || status === 409)).toBe(true)
    expect((await as(workspace).get('/sources')).body.items).toHaveLength(1)
  })

  it('says that the first request is still under way, until it must have died', async () => {
    const workspace = await api.aWorkspace()
    const headers = key()
    await as(workspace).post('/sources', headers, body)
    const set = (change: string) =>
      api.pool.query(`update idempotency_keys set ${change} where workspace_id = $1`, [
        workspace.id,
      ])
    await set('status = null, answer_sealed = null')

    const underWay = await as(workspace).post('/sources', headers, body)
    await set(`claimed_at = now() - interval '2 minutes'`)
    const takenOver = await as(workspace).post('/sources', headers, body)

    expect([underWay.status, takenOver.status]).toEqual([409, 201])
  })

  it('is forgotten after a day', async () => {
    const workspace = await api.aWorkspace()
    const headers = key()
    const first = await as(workspace).post('/sources', headers, body)
    await api.pool.query(
      `update idempotency_keys set claimed_at = now() - interval '25 hours' where workspace_id = $1`,
      [workspace.id],
    )

    const second = await as(workspace).post('/sources', headers, { ...body, label: 'other' })

    expect(second.status).toBe(201)
    expect(second.body.id).not.toBe(first.body.id)
  })

  it('does not remember a failure', async () => {
    const workspace = await api.aWorkspace()
    const headers = key()
    const before = await as(workspace).post('/connection/signing-secret/rotate', headers)
    const { url } = await anEndpoint()
    await workspace.connect({ url })

    const after = await as(workspace).post('/connection/signing-secret/rotate', headers)

    expect([before.status, after.status]).toEqual([409, 200])
  })

  it('does not hide that there is no such workspace', async () => {
    const { status } = await api.call('POST /v1/workspaces/ws_none/tokens', {
      headers: key(),
      body: {},
    })

    expect(status).toBe(404)
  })

  it.each(['with space', 'x'.repeat(256), 'ї'])('refuses the key %j', async (text) => {
    const workspace = await api.aWorkspace()

    const { status, body: problem } = await as(workspace).post(
      '/sources',
      { 'idempotency-key': text },
      body,
    )

    expect(status).toBe(422)
    expect(problem.errors[0].path).toBe('headers.idempotency-key')
  })
})
