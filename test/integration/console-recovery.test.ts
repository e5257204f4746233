import { Registry } from 'prom-client'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startHousekeeping } from '../../services/console/housekeeping.ts'
import { systemClock as clock } from '../../services/shared/clock.ts'
import { addBackfillProgress } from '../../services/shared/postgres/backfills.ts'
import { loadConnections } from '../../services/shared/postgres/connections.ts'
import { extendGap, missedGaps } from '../../services/shared/postgres/gaps.ts'
import { quiet } from '../support/builders.ts'
import {
  aConnectedWorkspace,
  pagesOf,
  startMigratedConsole,
  type TestConsole,
} from '../support/console.ts'
import { FakeLog } from '../support/fake-log.ts'
import { freshDatabase } from '../support/stack.ts'

let api: TestConsole
let log: FakeLog
/** Kafka and Postgres belong together. */
let isClear = true

beforeAll(async () => {
  log = new FakeLog()
  const { eventLog } = log
  const restores = { isClearNow: async () => isClear }
  api = await startMigratedConsole(await freshDatabase(), { eventLog, rewinds: log, restores })
})
beforeEach(() => {
  isClear = true
  Object.assign(log, { isAway: false, takesRewinds: true })
})
afterAll(() => api.close())

const DAY = '2026-05-28T'
const RANGE = { since: `${DAY}10:00:00.000Z`, until: `${DAY}11:00:00.000Z`, mode: 'gaps' }

async function aGap(workspaceId: string, from: string, to: string | null): Promise<void> {
  await api.pool.query(
    `insert into gaps (workspace_id, from_at, to_at, reason) values ($1, $2, $3, 'suspended')`,
    [workspaceId, `${DAY}${from}Z`, to && `${DAY}${to}Z`],
  )
}

async function version(workspaceId: string): Promise<number> {
  const [row] = await loadConnections(api.pool, [workspaceId])
  return row?.version ?? 0
}

describe('gaps', () => {
  it('are listed newest first, page by page', async () => {
    const { id, path } = await api.aWorkspace()
    await aGap(id, '08:00:00', '08:30:00')
    await aGap(id, '09:00:00', '09:30:00')
    await aGap(id, '10:00:00', null)

    const found = await pagesOf(api, `${path}/gaps`, 2)

    expect(found.map((page) => page.map(({ from, to }) => [from, to]))).toEqual([
      [
        [`${DAY}10:00:00.000Z`, null],
        [`${DAY}09:00:00.000Z`, `${DAY}09:30:00.000Z`],
      ],
      [[`${DAY}08:00:00.000Z`, `${DAY}08:30:00.000Z`]],
    ])
    expect(found[0]?.[0]).toMatchObject({ reason: 'suspended', backfilledAt: null })
  })

  it.each(['gaps', 'dead-letters', 'backfills'])(
    '%s refuse the cursor of another list',
    async (list) => {
      const { path } = await api.aWorkspace()

      const { status, body } = await api.call(`GET ${path}/${list}?cursor=abc`)

      expect({ status, path: body.errors[0].path }).toEqual({ status: 422, path: 'query.cursor' })
    },
  )
})

describe('a back-fill', () => {
  it('begins at the first event of its range', async () => {
    const { id, path } = await aConnectedWorkspace(api)
    for (const at of ['10:00:00', '10:10:00', '10:20:00']) log.append('others', `${DAY}${at}Z`)
    const first = log.append(id, `${DAY}10:30:00Z`)
    log.append(id, `${DAY}10:40:00Z`)

    const { status, body } = await api.call(`POST ${path}/backfills`, { body: RANGE })

    expect(status).toBe(202)
    expect(body).toEqual({
      ...RANGE,
      id: expect.stringMatching(/^backfill_/),
      state: 'queued',
      replayed: 0,
      position: null,
      createdAt: expect.any(String),
    })
    expect(log.rewound).toEqual({
      workspaceId: id,
      event: first,
      id: body.id,
      mode: 'gaps',
      until: Date.parse(RANGE.until),
    })
    expect((await api.call(`GET ${path}/backfills/${body.id}`)).body).toEqual(body)
  })

  it('is done at once when nothing lies in its range, and so is the gap', async () => {
    const { id, path } = await aConnectedWorkspace(api)
    await aGap(id, '10:00:00', '10:59:59.9994')
    const before = log.rewinds.length

    const { body } = await api.call(`POST ${path}/backfills`, { body: RANGE })

    expect(body).toMatchObject({ state: 'done', replayed: 0 })
    expect(log.rewinds).toHaveLength(before)
    expect(await pagesOf(api, `${path}/gaps`, 9)).toMatchObject([
      [{ backfilledAt: expect.any(String) }],
    ])
  })

  it.each([
    ['since', 'begins when it ends', { since: RANGE.until, until: RANGE.until }],
    ['since', 'ends before it begins', { since: RANGE.until, until: RANGE.since }],
    ['until', 'ends in the future', { since: RANGE.since, until: '2126-05-28T10:00:00Z' }],
    ['since', 'says no instant', { since: 'yesterday', until: RANGE.until }],
  ])('is refused by its %s when it %s', async (field, _why, range) => {
    const { path } = await aConnectedWorkspace(api)

    const { status, body } = await api.call(`POST ${path}/backfills`, {
      body: { ...range, mode: 'gaps' },
    })

    expect({ status, paths: body.errors.map((error: { path: string }) => error.path) }).toEqual({
      status: 422,
      paths: [`body.${field}`],
    })
  })

  it('is not done with nothing while a restore waits for a person', async () => {
    const { id, path } = await aConnectedWorkspace(api)
    await aGap(id, '10:00:00', '10:59:00')
    isClear = false

    const { status, body } = await api.call(`POST ${path}/backfills`, { body: RANGE })

    expect(status).toBe(503)
    expect(body.detail).toMatch(/Repeat this in a few minutes/)
    expect(await pagesOf(api, `${path}/gaps`, 9)).toMatchObject([[{ backfilledAt: null }]])
    expect(await pagesOf(api, `${path}/backfills`, 9)).toEqual([[]])
  })

  it('needs a connection that takes events, and says so', async () => {
    const workspace = await aConnectedWorkspace(api)
    await workspace.disconnect()

    const { status, body } = await api.call(`POST ${workspace.path}/backfills`, { body: RANGE })

    expect(status).toBe(409)
    expect(body.detail).toMatch(/disconnected.*Connect first/)
    expect(await pagesOf(api, `${workspace.path}/backfills`, 9)).toEqual([[]])
  })

  it('leaves nothing behind when the log cannot be read', async () => {
    const { path } = await aConnectedWorkspace(api)
    log.isAway = true

    const { status, headers } = await api.call(`POST ${path}/backfills`, { body: RANGE })

    expect([status, headers['retry-after']]).toEqual([503, '5'])
    expect(await pagesOf(api, `${path}/backfills`, 9)).toEqual([[]])
  })

  it('that cannot be asked for has failed, and nothing of it is sent should it be in the log', async () => {
    const { id, path } = await aConnectedWorkspace(api)
    log.append(id, `${DAY}10:30:00Z`)
    const before = await version(id)
    log.takesRewinds = false

    const { status } = await api.call(`POST ${path}/backfills`, { body: RANGE })

    expect(status).toBe(503)
    const [[failed]] = (await pagesOf(api, `${path}/backfills`, 9)) as [
      [{ id: string; state: string }],
    ]
    expect(failed.state).toBe('failed')
    const [row] = await loadConnections(api.pool, [id])
    expect(row?.calledOff).toEqual([failed.id])
    expect(row?.version).toBe(before + 1)
  })

  it.each([
    ['its console has died before it could ask', null, '2 minutes', 'failed'],
    ['its console is asking', null, '2 seconds', 'queued'],
    ['no dispatcher has come by', 'now', '2 days', 'queued'],
    ['the request has left the log', 'now', '8 days', 'failed'],
  ])('is not queued for ever: %s', async (_why, askedAt, age, state) => {
    const { id, path } = await aConnectedWorkspace(api)
    const backfillId = `lost_${id}`
    await api.pool.query(
      `insert into backfills (id, workspace_id, since, until, mode, asked_at, created_at)
       values ($1, $2, now(), now(), 'gaps', $3::timestamptz, now() - $4::interval)`,
      [backfillId, id, askedAt, age],
    )

    // Its tasks are done once before it stops.
    await startHousekeeping({
      pool: api.pool,
      retentionDays: 30,
      retentions: [],
      registry: new Registry(),
      clock,
      logger: quiet,
    }).stop()

    expect((await api.call(`GET ${path}/backfills/${backfillId}`)).body.state).toBe(state)
  })

  it('shows its progress, and fills the closed gaps that it covers when it is done', async () => {
    const { id, path } = await aConnectedWorkspace(api)
    log.append(id, `${DAY}10:30:00Z`)
    await aGap(id, '09:59:59', '10:05:00')
    await aGap(id, '10:10:00', '10:20:00')
    await aGap(id, '10:30:00', null)
    const { body: asked } = await api.call(`POST ${path}/backfills`, { body: RANGE })
    const progress = (replayed: number, end: 'done' | null) => {
      const positionAt = Date.parse(`${DAY}10:30:00Z`)
      return addBackfillProgress(api.pool, [{ id: asked.id, replayed, positionAt, end }])
    }

    await progress(3, null)
    const { body: running } = await api.call(`GET ${path}/backfills/${asked.id}`)
    const missedBefore = await missedGaps(api.pool, id)
    await progress(2, 'done')
    const { body: done } = await api.call(`GET ${path}/backfills/${asked.id}`)

    expect(running).toMatchObject({
      state: 'running',
      replayed: 3,
      position: `${DAY}10:30:00.000Z`,
    })
    expect(done).toMatchObject({ state: 'done', replayed: 5 })
    const [gaps] = await pagesOf(api, `${path}/gaps`, 9)
    expect(gaps?.map(({ backfilledAt }) => backfilledAt !== null)).toEqual([false, true, false])
    expect(missedBefore).toHaveLength(3)
    expect(await missedGaps(api.pool, id)).toHaveLength(2)
  })

  it('has not brought an event of before the gap that turns up later', async () => {
    const { id, path } = await aConnectedWorkspace(api)
    await aGap(id, '10:10:00', '10:20:00')
    await api.call(`POST ${path}/backfills`, { body: { ...RANGE, until: `${DAY}10:25:00Z` } })
    expect(await missedGaps(api.pool, id)).toEqual([])

    await extendGap(api.pool, id, { from: Date.parse(`${DAY}10:09:00Z`), until: null })

    expect(await missedGaps(api.pool, id)).toHaveLength(1)
  })

  it('is listed newest first, page by page', async () => {
    const { path } = await aConnectedWorkspace(api)
    const ids: string[] = []
    for (let n = 0; n < 3; n++) {
      ids.unshift((await api.call(`POST ${path}/backfills`, { body: RANGE })).body.id)
    }

    const found = await pagesOf(api, `${path}/backfills`, 2)

    expect(found.map((page) => page.length)).toEqual([2, 1])
    // Those of one millisecond are in the order of their ids.
    expect(found.flat().map(({ id }) => id)).toHaveLength(3)
    expect(new Set(found.flat().map(({ id }) => id))).toEqual(new Set(ids))
  })

  it('of another workspace is not found', async () => {
    const { path } = await aConnectedWorkspace(api)
    const { body } = await api.call(`POST ${path}/backfills`, { body: RANGE })
    const other = await api.aWorkspace()

    for (const method of ['GET', 'DELETE']) {
      expect((await api.call(`${method} ${other.path}/backfills/${body.id}`)).status).toBe(404)
    }
  })
})

describe('cancelling a back-fill', () => {
  it('tells the dispatchers, may be repeated, and stays so whatever is reported later', async () => {
    const { id, path } = await aConnectedWorkspace(api)
    log.append(id, `${DAY}10:30:00Z`)
    const { body: asked } = await api.call(`POST ${path}/backfills`, { body: RANGE })
    const before = await version(id)

    const first = await api.call(`DELETE ${path}/backfills/${asked.id}`)
    const again = await api.call(`DELETE ${path}/backfills/${asked.id}`)
    await addBackfillProgress(api.pool, [
      { id: asked.id, replayed: 1, positionAt: null, end: 'done' },
    ])

    expect([first.status, again.status]).toEqual([200, 200])
    expect(first.body).toMatchObject({ id: asked.id, state: 'cancelled' })
    expect((await api.call(`GET ${path}/backfills/${asked.id}`)).body.state).toBe('cancelled')
    const [row] = await loadConnections(api.pool, [id])
    expect(row?.calledOff).toEqual([asked.id])
    expect(row?.version).toBe(before + 1)
  })

  it('is too late when it is done', async () => {
    const { path } = await aConnectedWorkspace(api)
    const { body } = await api.call(`POST ${path}/backfills`, { body: RANGE })

    const { status, body: problem } = await api.call(`DELETE ${path}/backfills/${body.id}`)

    expect(status).toBe(409)
    expect(problem.detail).toMatch(/done/)
  })
})
