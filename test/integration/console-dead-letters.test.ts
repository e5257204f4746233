import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { LoggedEvent } from '../../services/console/event-log.ts'
import { addBackfillProgress } from '../../services/shared/postgres/backfills.ts'
import { markResent, missedDeadLetters } from '../../services/shared/postgres/dead-letters.ts'
import {
  type DeliveryAttempt,
  insertDeadLetters,
} from '../../services/shared/postgres/delivery-attempts.ts'
import { anAttempt } from '../support/builders.ts'
import {
  aConnectedWorkspace,
  pagesOf,
  startMigratedConsole,
  type TestConsole,
  type TestWorkspace,
} from '../support/console.ts'
import { FakeLog } from '../support/fake-log.ts'
import { freshDatabase } from '../support/stack.ts'

let api: TestConsole
let log: FakeLog

beforeAll(async () => {
  log = new FakeLog()
  const { eventLog } = log
  api = await startMigratedConsole(await freshDatabase(), { eventLog, rewinds: log })
})
beforeEach(() => {
  Object.assign(log, { isAway: false, takesRewinds: true })
})
afterAll(() => api.close())

const DAY = '2026-05-28T'

describe('dead letters', () => {
  /** One that the log still holds. */
  async function aDeadLetter(workspaceId: string, overrides: Partial<DeliveryAttempt> = {}) {
    const event = log.append(workspaceId, `${DAY}10:30:00Z`)
    await insertDeadLetters(api.pool, [letterOf(workspaceId, event, overrides)])
    return event
  }

  function letterOf(workspaceId: string, { event, acceptedAt }: LoggedEvent, overrides = {}) {
    return anAttempt({
      workspaceId,
      eventId: event.eventId,
      attempt: 3,
      outcome: 'dead_lettered',
      errorClass: 'rejected',
      status: 422,
      at: acceptedAt + 60_000,
      deadLetter: { reason: 'rejected', firstFailedAt: acceptedAt + 10, acceptedAt },
      ...overrides,
    })
  }

  const resend = ({ path }: TestWorkspace, { event }: LoggedEvent) =>
    api.call(`POST ${path}/dead-letters/${event.eventId}/resend`)
  const resentAt = async ({ path }: TestWorkspace) =>
    (await pagesOf(api, `${path}/dead-letters`, 9))[0]?.[0]?.['resentAt']

  it('are listed newest first, page by page', async () => {
    const { id, path } = await api.aWorkspace()
    const at = Date.parse(`${DAY}11:00:00Z`)
    const old = await aDeadLetter(id, { at })
    const [one, other] = [
      await aDeadLetter(id, { at: at + 1 }),
      await aDeadLetter(id, { at: at + 1 }),
    ]

    const found = await pagesOf(api, `${path}/dead-letters`, 1)

    const newest = [one, other].map(({ event }) => event.eventId).sort((a, b) => (a < b ? 1 : -1))
    expect(found.map((page) => page.map(({ eventId }) => eventId))).toEqual([
      [newest[0]],
      [newest[1]],
      [old.event.eventId],
    ])
    expect(found[2]?.[0]).toEqual({
      eventId: old.event.eventId,
      event: 'call.completed',
      reason: 'rejected',
      errorClass: 'rejected',
      status: 422,
      attempts: 3,
      firstFailedAt: `${DAY}10:30:00.010Z`,
      deadAt: `${DAY}11:00:00.000Z`,
      resentAt: null,
    })
  })

  it('are sent again by a back-fill of the one event, once', async () => {
    const workspace = await aConnectedWorkspace(api)
    const event = await aDeadLetter(workspace.id)

    const { status, body } = await resend(workspace, event)

    expect(status).toBe(202)
    expect(log.rewound).toEqual({
      workspaceId: workspace.id,
      event,
      id: body.backfillId,
      mode: 'gaps',
      until: event.acceptedAt,
    })
    expect(await resentAt(workspace)).not.toBeNull()
    expect((await resend(workspace, event)).status).toBe(409)
    const missedBy = (id: string) => missedDeadLetters(api.pool, workspace.id, id)
    expect(await missedBy(body.backfillId)).toEqual(new Set([event.event.eventId]))
    expect(await missedBy('another')).toEqual(new Set())
  })

  it('are found without their log time, as a release before left them', async () => {
    const workspace = await aConnectedWorkspace(api)
    const event = await aDeadLetter(workspace.id)
    await api.pool.query('update dead_letters set accepted_at = null where workspace_id = $1', [
      workspace.id,
    ])

    expect((await resend(workspace, event)).status).toBe(202)
  })

  it('are unknown, not connected, or not in the log any more', async () => {
    const workspace = await aConnectedWorkspace(api)
    const event = await aDeadLetter(workspace.id)
    const gone = { ...event, event: { ...event.event, eventId: 'evt_gone' } }
    await insertDeadLetters(api.pool, [letterOf(workspace.id, gone)])
    const unknown = { ...event, event: { ...event.event, eventId: 'evt_unknown' } }

    expect((await resend(workspace, gone)).status).toBe(410)
    expect((await resend(workspace, unknown)).status).toBe(404)
    await workspace.disconnect()
    expect((await resend(workspace, event)).status).toBe(409)
    expect(await resentAt(workspace)).toBeNull()
  })

  it('can be sent again after the back-fill could not be asked for, or was cancelled', async () => {
    const workspace = await aConnectedWorkspace(api)
    const event = await aDeadLetter(workspace.id)
    log.takesRewinds = false
    expect((await resend(workspace, event)).status).toBe(503)
    log.takesRewinds = true
    expect(await resentAt(workspace)).toBeNull()

    const { body } = await resend(workspace, event)
    await api.call(`DELETE ${workspace.path}/backfills/${body.backfillId}`)

    expect(await resentAt(workspace)).toBeNull()
    expect((await resend(workspace, event)).status).toBe(202)
  })

  it('stay sent when their back-fill ends in whatever way after it has sent them', async () => {
    const workspace = await aConnectedWorkspace(api)
    const event = await aDeadLetter(workspace.id)
    const { body } = await resend(workspace, event)
    const { acceptedAt: positionAt } = event

    await addBackfillProgress(api.pool, [
      { id: body.backfillId, replayed: 1, positionAt, end: 'failed' },
    ])

    expect(await resentAt(workspace)).not.toBeNull()
  })

  it('are no longer missed once a back-fill of a gap has brought them', async () => {
    const workspace = await aConnectedWorkspace(api)
    const { event } = await aDeadLetter(workspace.id)
    const { eventId } = event

    await markResent(api.pool, [anAttempt({ workspaceId: workspace.id, eventId, replay: true })])

    expect(await resentAt(workspace)).toBe(`${DAY}12:00:00.000Z`)
    expect(await missedDeadLetters(api.pool, workspace.id, 'any')).toEqual(new Set())
  })
})
