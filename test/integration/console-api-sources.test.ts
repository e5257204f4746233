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

  it('are at most 50 of a workspace, also for those who ask in the same moment', async () => {
    const { path } = await api.aWorkspace()
    const add = () => api.call(`POST ${path}/sources`, { body: { provider: 'binotel' } })
    for (let added = 0; added < 45; added += 1) expect((await add()).status).toBe(201)

    const answers = await Promise.all(Array.from({ length: 12 }, add))

    expect(answers.map(({ status }) => status).toSorted()).toEqual([
      ...Array.from({ length: 5 }, () => 201),
      ...Array.from({ length: 7 }, () => 409),
    ])
    expect(answers.find(({ status }) => status === 409)?.body.detail).toBe(
      'A workspace may have 50 sources of calls. Delete one that is not used any more.',
    )
    expect(
      (
        await api.call(`POST ${(await api.aWorkspace()).path}/sources`, {
          body: { provider: 'binotel' },
        })
      ).status,
    ).toBe(201)
  })

  it('are listed in pages, oldest first', async () => {
    const { path } = await api.aWorkspace()
    const ids: string[] = []
    for (let added = 0; added < 5; added += 1) {
      ids.push((await api.call(`POST ${path}/sources`, { body: { provider: 'unitalk' } })).body.id)
    }

    const pages: string[][] = []
    let cursor = ''
    do {
      const { body } = await api.call(`GET ${path}/sources?limit=2${cursor}`)
      pages.push(body.items.map(({ id }: { id: string }) => id))
      cursor = body.nextCursor === null ? '' : `&cursor=${body.nextCursor}`
    } while (cursor !== '')

    expect(pages).toEqual([ids.slice(0, 2), ids.slice(2, 4), ids.slice(4)])
  })

  it.each([
    { createdMicros: Number.MAX_SAFE_INTEGER, id: 'source_1' },
    { createdMicros: 1.5, id: 'source_1' },
    { createdMicros: 1, id: 'a\u0000b' },
  ])('refuse the cursor %j', async (position) => {
    const { path } = await api.aWorkspace()
    const cursor = Buffer.from(JSON.stringify(position)).toString('base64url')

    expect((await api.call(`GET ${path}/sources?cursor=${cursor}`)).status).toBe(422)
  })

  it('have settings of 16 KB at most', async () => {
    const { path } = await api.aWorkspace()
    const create = (count: number) =>
      api.call(`POST ${path}/sources`, {
        body: {
          provider: 'stream-telecom',
          settings: { internalLines: Array.from({ length: count }, () => '8'.repeat(20)) },
        },
      })

    expect((await create(600)).status).toBe(201)
    expect((await create(900)).body).toMatchObject({
      status: 422,
      errors: [{ path: 'body.settings', message: 'may have 16384 bytes as JSON' }],
    })
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
