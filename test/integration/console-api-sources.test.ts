import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hashToken } from '../../services/shared/access-token.ts'
import { findSourceByTokenHash } from '../../services/shared/postgres/sources.ts'
import { settingsPlace } from '../../services/shared/sealed-places.ts'
import { startMigratedConsole, type TestConsole } from '../support/console.ts'
import { freshDatabase } from '../support/stack.ts'

let api: TestConsole

beforeAll(async () => {
  api = await startMigratedConsole(await freshDatabase())
})

afterAll(() => api.close())

describe('sources', () => {
  it('are read by the token of their URL, with zone and country of the workspace', async () => {
    const { path, id, token } = await api.aWorkspace()
    const { status, body } = await api.call(`POST ${path}/sources`, {
      token,
      body: { provider: 'binotel', label: 'Київ', settings: { companyId: '62770' } },
    })
    const [, provider, sourceToken] = new URL(body.webhookUrl).pathname.slice(1).split('/')

    const found = await findSourceByTokenHash(api.pool, hashToken(sourceToken ?? ''))

    expect([status, provider]).toEqual([201, 'binotel'])
    expect(api.sourceTokens.read(sourceToken ?? '')).toEqual({
      kind: 'signed',
      source: { id: body.id, workspaceId: id, provider },
    })
    expect(found).toMatchObject({
      id: body.id,
      workspaceId: id,
      timezone: 'Europe/Kyiv',
      defaultCountry: 'UA',
    })
    const place = settingsPlace({ workspaceId: id, id: body.id })
    expect(JSON.parse(api.secretBox.open(found?.settingsSealed ?? '', place))).toEqual({
      companyId: '62770',
    })
  })

  it('show neither their secrets nor their URL again', async () => {
    const { path } = await api.aWorkspace()
    const basic = { username: 'ringostat', password: 'hunter2' }
    const created = await api.call(`POST ${path}/sources`, {
      body: { provider: 'ringostat', settings: { basic } },
    })

    const listed = await api.call(`GET ${path}/sources`)

    expect(created.text + listed.text).not.toContain('hunter2')
    expect(listed.text).not.toContain('src_')
    expect(listed.body.items).toMatchObject([
      { provider: 'ringostat', settings: { basic: { username: 'ringostat', password: '***' } } },
    ])
  })

  it('refuse settings of another provider with the list of the allowed ones', async () => {
    const { path } = await api.aWorkspace()

    const { status, body } = await api.call(`POST ${path}/sources`, {
      body: { provider: 'binotel', settings: { zone: 'Europe/Kyiv' } },
    })

    expect(status).toBe(422)
    expect(body.errors).toEqual([
      { path: 'body.settings', message: 'unknown: zone; allowed: companyId, apiKey, apiSecret' },
    ])
  })

  it('name the providers when there is no such one', async () => {
    const { path } = await api.aWorkspace()

    const { body } = await api.call(`POST ${path}/sources`, { body: { provider: 'zadarma' } })

    expect(body.errors).toEqual([
      {
        path: 'body.provider',
        message: 'must be one of ringostat, phonet, binotel, stream-telecom, unitalk',
      },
    ])
  })

  it('are removed by their own workspace only', async () => {
    const [one, two] = [await api.aWorkspace(), await api.aWorkspace()]
    const { body } = await api.call(`POST ${one.path}/sources`, { body: { provider: 'unitalk' } })

    const byOther = await api.call(`DELETE ${two.path}/sources/${body.id}`, { token: two.token })
    const byOwner = await api.call(`DELETE ${one.path}/sources/${body.id}`, { token: one.token })
    const again = await api.call(`DELETE ${one.path}/sources/${body.id}`, { token: one.token })

    expect([byOther.status, byOwner.status, again.status]).toEqual([404, 204, 404])
  })
})
