import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createConnectionLoader } from '../../services/dispatcher/delivery/open-connection.ts'
import { Secret } from '../../services/shared/config.ts'
import {
  passwordPlace,
  settingsPlace,
  signingSecretPlace,
} from '../../services/shared/sealed-places.ts'
import { createSecretBox } from '../../services/shared/secret-box.ts'
import { NOON, quiet } from '../support/builders.ts'
import { anEndpoint, startMigratedConsole, type TestConsole } from '../support/console.ts'
import { freshDatabase } from '../support/stack.ts'

/** Connections of which one was sealed under a key that is gone: what its customer sees and can do. */

const lost = createSecretBox(new Secret(randomBytes(32).toString('base64')))
let api: TestConsole

beforeAll(async () => {
  api = await startMigratedConsole(await freshDatabase())
})

afterAll(() => api.close())

async function aConnected(url: string) {
  const workspace = await api.aWorkspace()
  await workspace.connect({ url, password: 'hunter2' })
  return workspace
}

/** Two changes of the key without waiting for the first one to end. */
async function loseKey(workspaceId: string): Promise<void> {
  await api.pool.query(
    `update connections set signing_secret_sealed = $2, previous_secret_sealed = $2,
       password_sealed = $3 where workspace_id = $1`,
    [
      workspaceId,
      lost.seal('whsec_bG9zdA==', signingSecretPlace(workspaceId)),
      lost.seal('hunter2', passwordPlace(workspaceId)),
    ],
  )
}

async function secretsOf(workspaceId: string) {
  const { rows } = await api.pool.query<{ sealed: string }>(
    'select signing_secret_sealed as sealed from connections where workspace_id = $1',
    [workspaceId],
  )
  return rows
}

/** As a dispatcher loads them. */
async function load(...workspaceIds: string[]) {
  const clock = { now: () => NOON, elapsed: () => 0, sleep: async () => undefined }
  const { pool: db, secretBox: box } = api
  const isBelievable = async () => true
  const eventsTopic = 'calls.events'
  const onRefused = () => undefined
  const options = { db, box, eventsTopic, isBelievable, onRefused, clock, logger: quiet }
  const loaded = await createConnectionLoader(options)(workspaceIds)
  return workspaceIds.map((id) => loaded.get(id)?.kind)
}

describe('a connection whose key is gone', () => {
  it('is failing for a reason of ours, and all others are opened', async () => {
    const { url } = await anEndpoint()
    const [broken, fine] = [await aConnected(url), await aConnected(url)]
    await loseKey(broken.id)

    expect(await load(broken.id, fine.id)).toEqual(['unreadable', 'connection'])

    expect(await broken.connection()).toMatchObject({
      state: 'failing',
      lastError: { class: 'key_missing', status: null, hint: expect.stringContaining('ours') },
    })
    expect(await fine.connection()).toMatchObject({ state: 'connected', lastError: null })
  })

  it('is failing no more once its key is back', async () => {
    const { url } = await anEndpoint()
    const workspace = await aConnected(url)
    const [before] = await secretsOf(workspace.id)
    await loseKey(workspace.id)
    await load(workspace.id)

    await api.pool.query(
      'update connections set signing_secret_sealed = $2, password_sealed = null where workspace_id = $1',
      [workspace.id, before?.sealed],
    )

    expect(await load(workspace.id)).toEqual(['connection'])
    expect(await workspace.connection()).toMatchObject({ state: 'connected', lastError: null })
  })

  it('says so when a test is asked for, and is mended by connecting again', async () => {
    const { url } = await anEndpoint()
    const workspace = await aConnected(url)
    await loseKey(workspace.id)
    await load(workspace.id)

    const test = await api.call(`POST ${workspace.path}/connection/test`)
    const again = await workspace.connect({ url, password: 'hunter3' })

    expect(test).toMatchObject({ status: 503, body: { detail: expect.stringContaining('ours') } })
    expect(again).toMatchObject({ status: 200, body: { signingSecret: expect.any(String) } })
    expect(await workspace.connection()).toMatchObject({ state: 'connected', lastError: null })
    expect(await load(workspace.id)).toEqual(['connection'])
  })
})

describe('a source whose key is gone', () => {
  it('is listed without its settings, beside the others', async () => {
    const workspace = await api.aWorkspace()
    const add = async () => {
      const body = { provider: 'binotel' }
      return (await api.call(`POST ${workspace.path}/sources`, { body })).body.id
    }
    const [broken, fine] = [await add(), await add()]
    await api.pool.query('update sources set settings_sealed = $2 where id = $1', [
      broken,
      lost.seal('{}', settingsPlace({ workspaceId: workspace.id, id: broken })),
    ])

    const { status, body } = await api.call(`GET ${workspace.path}/sources`)

    expect(status).toBe(200)
    expect(body.items).toMatchObject([
      { id: broken, settings: null },
      { id: fine, settings: expect.any(Object) },
    ])
  })
})
