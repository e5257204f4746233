import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type DeliveryAttempt,
  insertAttempts,
} from '../../services/shared/postgres/delivery-attempts.ts'
import { recordPublishedEvents } from '../../services/shared/postgres/published-events.ts'
import { aCallEvent, anAttempt } from '../support/builders.ts'
import { startMigratedConsole, type TestConsole, type TestWorkspace } from '../support/console.ts'
import { followEvents } from '../support/event-source.ts'
import { eventually } from '../support/eventually.ts'
import { freshDatabase } from '../support/stack.ts'

let api: TestConsole

beforeAll(async () => {
  api = await startMigratedConsole(await freshDatabase())
})

afterAll(() => api.close())

const FAILED = { outcome: 'retrying', errorClass: 'server_error', status: 500 } as const

/** Written as the dispatcher does. */
async function attempts(
  { id: workspaceId }: TestWorkspace,
  ...written: Partial<DeliveryAttempt>[]
): Promise<void> {
  const rows = written.map((overrides) => anAttempt({ at: Date.now(), ...overrides, workspaceId }))
  await insertAttempts(api.pool, rows)
}

async function get(workspace: TestWorkspace, path: string) {
  const { status, body } = await api.call(`GET ${workspace.path}/${path}`, {
    token: workspace.token,
  })
  expect(status).toBe(200)
  return body
}

interface Listed {
  readonly id: string
  readonly eventId: string
}

const eventIds = ({ items }: { items: Listed[] }) => items.map(({ eventId }) => eventId)

/** Every page of a list, and what happens after each. */
async function allPages(
  workspace: TestWorkspace,
  query: string,
  afterPage: (page: number) => Promise<void> = async () => undefined,
): Promise<Listed[]> {
  const items: Listed[] = []
  let cursor: string | null = null
  for (let page = 1; page === 1 || cursor !== null; page += 1) {
    const more: string = cursor === null ? '' : `&cursor=${cursor}`
    const body = await get(workspace, `attempts?${query}${more}`)
    items.push(...body.items)
    cursor = body.nextCursor
    await afterPage(page)
  }
  return items
}

describe('the list of attempts', () => {
  it('shows everything there is to know but content, newest first', async () => {
    const workspace = await api.aWorkspace()
    const at = Date.now() - 5_000
    await attempts(
      workspace,
      { eventId: 'evt_old', at: at - 1 },
      { eventId: 'evt_new', ...FAILED, at, attempt: 2, nextAttemptAt: at + 30_000, replay: true },
    )

    const { items, nextCursor } = await get(workspace, 'attempts')

    expect(nextCursor).toBeNull()
    expect(eventIds({ items })).toEqual(['evt_new', 'evt_old'])
    expect(items[0]).toEqual({
      id: expect.stringMatching(/^\d+$/),
      eventId: 'evt_new',
      event: 'call.completed',
      attempt: 2,
      ...FAILED,
      durationMs: 15,
      at: new Date(at).toISOString(),
      nextAttemptAt: new Date(at + 30_000).toISOString(),
      replay: true,
    })
  })

  it('pages completely while new attempts come in, many of one instant included', async () => {
    const workspace = await api.aWorkspace()
    const at = Date.now() - 60_000
    const old = Array.from({ length: 25 }, (_, index) => ({
      eventId: `evt_${index}`,
      at: at + Math.floor(index / 10),
    }))
    await attempts(workspace, ...old)

    const listed = await allPages(workspace, 'limit=4', (page) =>
      attempts(workspace, { eventId: `evt_late_${page}` }),
    )

    expect(eventIds({ items: listed })).toEqual(old.map(({ eventId }) => eventId).reverse())
  })

  it.each([
    ['outcome=delivered', ['evt_3', 'evt_1']],
    ['outcome=failed', ['evt_4', 'evt_2', 'evt_2']],
    ['outcome=dead_lettered', ['evt_4']],
    ['errorClass=timeout', ['evt_2']],
    ['eventId=evt_2', ['evt_2', 'evt_2']],
    ['since=2026-05-28T12:00:02Z&until=2026-05-28T12:00:04Z', ['evt_3', 'evt_2']],
    ['outcome=retrying&eventId=evt_4', []],
  ])('filters by %s', async (query, expected) => {
    const workspace = await api.aWorkspace()
    const at = (second: number) => Date.parse(`2026-05-28T12:00:0${second}Z`)
    await attempts(
      workspace,
      { eventId: 'evt_1', at: at(0) },
      { eventId: 'evt_2', ...FAILED, at: at(1) },
      { eventId: 'evt_2', ...FAILED, errorClass: 'timeout', status: null, attempt: 2, at: at(2) },
      { eventId: 'evt_3', at: at(3) },
      { eventId: 'evt_4', ...FAILED, outcome: 'dead_lettered', at: at(4) },
    )

    expect(eventIds(await get(workspace, `attempts?${query}`))).toEqual(expected)
    expect(eventIds({ items: await allPages(workspace, `${query}&limit=1`) })).toEqual(expected)
  })

  it('refuses a cursor of another list, and says so', async () => {
    const workspace = await api.aWorkspace()

    const answer = await api.call(`GET ${workspace.path}/attempts?cursor=nonsense`)

    expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: 'query.cursor' }] } })
  })
})

describe('statistics', () => {
  it('have an entry for each of seven days, zeros included, in the zone of the workspace', async () => {
    const workspace = await api.aWorkspace()
    const durations = [10, 20, 30, 4_000]
    await attempts(
      workspace,
      ...durations.map((durationMs) => ({ durationMs })),
      { ...FAILED, errorClass: 'timeout', status: null, durationMs: 5_000 },
      { at: Date.now() - 8 * 24 * 3_600_000 },
    )

    const stats = await get(workspace, 'stats?window=7d')

    const today = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Kyiv' }).format(new Date())
    expect(stats.days).toHaveLength(7)
    expect(stats.days.at(-1)).toEqual({
      date: today,
      delivered: 4,
      failedAttempts: 1,
      p50Ms: 20,
      p99Ms: 4_000,
    })
    expect(stats.days[0]).toMatchObject({ delivered: 0, failedAttempts: 0, p50Ms: null })
    expect(stats).toMatchObject({ window: '7d', delivered: 4, failedAttempts: 1, successRate: 0.8 })
  })

  it('have no success rate without attempts', async () => {
    const { successRate, days } = await get(await api.aWorkspace(), 'stats?window=30d')

    expect([successRate, days.length]).toEqual([null, 30])
  })
})

describe('a call that somebody names as the provider does', () => {
  it('is found with its events, in its workspace only', async () => {
    const [workspace, other] = [await api.aWorkspace(), await api.aWorkspace()]
    const event = aCallEvent(workspace.id, '700011')
    await recordPublishedEvents(api.pool, [{ ...event, fingerprint: null }])

    const found = await get(workspace, 'published-events?providerCallId=700011')
    const elsewhere = await get(workspace, 'published-events?providerCallId=700011&provider=phonet')

    expect(found.items).toMatchObject([{ eventId: event.eventId, callId: event.callId }])
    expect(elsewhere.items).toEqual([])
    expect((await get(other, 'published-events?providerCallId=700011')).items).toEqual([])
  })
})

describe('the stream of attempts', () => {
  /** Of a console that listens, on the same database. */
  async function follow(workspace: TestWorkspace, headers: Record<string, string> = {}) {
    if (!api.app.server.listening) await api.app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = api.app.server.address() as AddressInfo
    return followEvents(`http://127.0.0.1:${port}${workspace.path}/attempts/stream`, {
      authorization: `Bearer ${workspace.token}`,
      ...headers,
    })
  }

  it('shows attempts that come, to everybody who watches, and no others', async () => {
    const [workspace, other] = [await api.aWorkspace(), await api.aWorkspace()]
    await attempts(workspace, { eventId: 'evt_before' })
    const streams = [await follow(workspace), await follow(workspace)]

    await attempts(other, { eventId: 'evt_other' })
    await attempts(workspace, { eventId: 'evt_1' }, { eventId: 'evt_2', ...FAILED })

    for (const stream of streams) {
      await eventually(() => expect(stream.data).toHaveLength(2))
      expect(stream).toMatchObject({ status: 200, contentType: 'text/event-stream' })
      expect(stream.data).toMatchObject([{ eventId: 'evt_1' }, { eventId: 'evt_2', status: 500 }])
    }
  })

  it('goes on after the last attempt that the browser saw', async () => {
    const workspace = await api.aWorkspace()
    await attempts(workspace, { eventId: 'evt_1' }, { eventId: 'evt_2' }, { eventId: 'evt_3' })
    const { items } = await get(workspace, 'attempts?eventId=evt_1')

    const stream = await follow(workspace, { 'last-event-id': items[0].id })

    await eventually(() => expect(eventIds({ items: stream.data })).toEqual(['evt_2', 'evt_3']))
  })

  it('asks for a token, and for an id that can be one', async () => {
    const [workspace, other] = [await api.aWorkspace(), await api.aWorkspace()]
    const foreign = { authorization: `Bearer ${other.token}` }

    expect((await follow(workspace, foreign)).status).toBe(403)
    expect((await follow(workspace, { 'last-event-id': 'x' })).status).toBe(422)
  })

  it('ends when the console stops, which waits for nobody', async () => {
    const stopping = await startMigratedConsole(await freshDatabase())
    const workspace = await stopping.aWorkspace()
    await stopping.app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = stopping.app.server.address() as AddressInfo
    const stream = await followEvents(`http://127.0.0.1:${port}${workspace.path}/attempts/stream`, {
      authorization: `Bearer ${workspace.token}`,
    })

    const before = performance.now()
    await stopping.close()

    expect(performance.now() - before).toBeLessThan(3_000)
    await eventually(() => expect(stream.isEnded).toBe(true), 1_000)
  })
})
