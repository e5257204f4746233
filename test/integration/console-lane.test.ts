import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  healthOf,
  updateConnectionHealth,
} from '../../services/shared/postgres/connection-health.ts'
import {
  type DeliveryAttempt,
  insertAttempts,
} from '../../services/shared/postgres/delivery-attempts.ts'
import { suspendConnection } from '../../services/shared/postgres/gaps.ts'
import { recordPublishedEvents } from '../../services/shared/postgres/published-events.ts'
import { anAttempt } from '../support/builders.ts'
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

async function aConnectedWorkspace(): Promise<TestWorkspace> {
  const workspace = await api.aWorkspace()
  const { url } = await anEndpoint()
  expect((await workspace.connect({ url })).status).toBe(200)
  return workspace
}

/** As the normalizer records them; each `accept` is a batch of its own, later than the one before. */
async function accept({ id: workspaceId }: TestWorkspace, ...eventIds: string[]): Promise<void> {
  await recordPublishedEvents(
    api.pool,
    eventIds.map((eventId) => ({
      eventId: `${workspaceId}_${eventId}`,
      workspaceId,
      callId: eventId,
      provider: 'binotel',
      providerCallId: eventId,
      recordingStatus: 'none',
      fingerprint: null,
    })),
  )
}

/** As the dispatcher writes them. */
async function attempt(
  { id: workspaceId }: TestWorkspace,
  eventId: string,
  overrides: Partial<DeliveryAttempt> = {},
): Promise<void> {
  const made = anAttempt({
    at: Date.now(),
    ...overrides,
    workspaceId,
    eventId: `${workspaceId}_${eventId}`,
  })
  await insertAttempts(api.pool, [made])
  await updateConnectionHealth(api.pool, healthOf([made]))
}

/** The same events, accepted longer ago: neighbours are looked up, later ones only counted. */
async function daysPass(days: number): Promise<void> {
  await api.pool.query(
    `update published_events set published_at = published_at - make_interval(days => $1)`,
    [days],
  )
  await api.pool.query(
    `update connections set connected_at = connected_at - make_interval(days => $1)`,
    [days],
  )
}

async function lane({ path, token }: TestWorkspace) {
  const { status, body } = await api.call(`GET ${path}/lane`, { token })
  expect(status).toBe(200)
  return body
}

const FAILED = { outcome: 'retrying', errorClass: 'server_error', status: 500 } as const

describe('the lane of a workspace', () => {
  it('flows when everything accepted is delivered', async () => {
    const workspace = await aConnectedWorkspace()
    await accept(workspace, 'a', 'b', 'c')
    for (const eventId of ['a', 'b', 'c']) await attempt(workspace, eventId)

    expect(await lane(workspace)).toEqual({
      state: 'flowing',
      next: null,
      waiting: 0,
      waitingIsCapped: false,
      waitingSince: null,
    })
  })

  it('counts what was accepted and never tried', async () => {
    const workspace = await aConnectedWorkspace()
    await accept(workspace, 'a', 'b')

    expect(await lane(workspace)).toMatchObject({ state: 'flowing', waiting: 2 })
  })

  it('names the event that fails, since when, and all that waits behind it', async () => {
    const workspace = await aConnectedWorkspace()
    await accept(workspace, 'done', 'given-up', 'head', 'behind')
    await attempt(workspace, 'done')
    await attempt(workspace, 'given-up', { ...FAILED, outcome: 'dead_lettered' })
    const firstAt = Date.now()
    const nextAt = firstAt + 30_000
    await attempt(workspace, 'head', { ...FAILED, status: 503, at: firstAt })
    await attempt(workspace, 'head', { ...FAILED, attempt: 2, nextAttemptAt: nextAt })
    await accept(workspace, 'later')

    const shown = await lane(workspace)

    expect(shown).toMatchObject({
      state: 'waiting',
      next: {
        eventId: `${workspace.id}_head`,
        event: 'call.completed',
        attempt: 2,
        attemptsMax: 9,
        failingSince: new Date(firstAt).toISOString(),
        nextAttemptAt: new Date(nextAt).toISOString(),
        errorClass: 'server_error',
        status: 500,
      },
      waiting: 3,
    })
    expect(Date.parse(shown.waitingSince)).toBeLessThanOrEqual(firstAt)
  })

  it('counts a week’s backlog behind a delivery of days ago, and not what came before it', async () => {
    const workspace = await aConnectedWorkspace()
    await accept(workspace, 'early')
    await daysPass(1)
    await accept(workspace, 'done')
    await attempt(workspace, 'done')
    await daysPass(2)
    await accept(workspace, 'a', 'b')
    await daysPass(1)

    expect(await lane(workspace)).toMatchObject({ waiting: 2 })
  })

  it('takes no event of a back-fill for the newest that had its turn', async () => {
    const workspace = await aConnectedWorkspace()
    await accept(workspace, 'old')
    await daysPass(1)
    await accept(workspace, 'done', 'live')
    await attempt(workspace, 'done')
    const nextAttemptAt = Date.now() + 30_000
    await attempt(workspace, 'old', { ...FAILED, replay: true, nextAttemptAt })

    expect(await lane(workspace)).toMatchObject({
      state: 'waiting',
      next: { eventId: `${workspace.id}_old` },
      waiting: 2,
    })
  })

  it('is stopped while suspended, and counts what is kept in the log since', async () => {
    const workspace = await aConnectedWorkspace()
    await accept(workspace, 'done')
    await attempt(workspace, 'done')
    await daysPass(1)
    await suspendConnection(api.pool, { workspaceId: workspace.id, version: 1 }, Date.now() - 5_000)
    await accept(workspace, 'missed')

    expect(await lane(workspace)).toMatchObject({ state: 'stopped', next: null, waiting: 1 })
  })

  it('is stopped before anything is connected and after a disconnect', async () => {
    const [never, former] = [await api.aWorkspace(), await aConnectedWorkspace()]
    await accept(never, 'kept')
    await former.disconnect()

    expect(await lane(never)).toMatchObject({ state: 'stopped', waiting: 1 })
    expect(await lane(former)).toMatchObject({ state: 'stopped', waiting: 0 })
  })
})
