import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConnections } from '../../services/shared/postgres/connections.ts'
import { addDeletedGap, extendGap, missedGaps } from '../../services/shared/postgres/gaps.ts'
import {
  aConnectedWorkspace,
  pagesOf,
  startMigratedConsole,
  type TestConsole,
} from '../support/console.ts'
import { FakeLog } from '../support/fake-log.ts'
import { freshDatabase } from '../support/stack.ts'

let api: TestConsole

beforeAll(async () => {
  const log = new FakeLog()
  const { eventLog } = log
  api = await startMigratedConsole(await freshDatabase(), { eventLog, rewinds: log })
})
afterAll(() => api.close())

const at = (time: string) => Date.parse(`2026-05-28T${time}.000Z`)

function tell(workspaceId: string, from: string, to: string): Promise<void> {
  return addDeletedGap(api.pool, workspaceId, { from: at(from), to: at(to) })
}

async function listed(path: string) {
  const [gaps = []] = await pagesOf(api, `${path}/gaps`, 9)
  return gaps.map((gap) => {
    const { from, to, reason, backfilledAt } = gap as Record<string, string | null>
    return [from?.slice(11, 19), to?.slice(11, 19), reason, backfilledAt]
  })
}

describe('gap of deleted events', () => {
  it.each([
    ['the same once more', [['10:00:00', '11:00:00']]],
    ['from a cursor of before a crash', [['09:59:00', '11:00:00']]],
    ['and a later beginning of the log', [['10:00:00', '11:30:00']]],
    ['from where the last one ended', [['11:00:00', '11:30:00']]],
  ])('stands there once when it is told again: %s', async (_how, [again]) => {
    const { id, path } = await aConnectedWorkspace(api)
    const [from = '', to = ''] = again ?? []

    await tell(id, '10:00:00', '11:00:00')
    await tell(id, from, to)

    const begins = from < '10:00:00' ? from : '10:00:00'
    expect(await listed(path)).toEqual([[begins, to, 'deleted', null]])
  })

  it('stands beside an earlier one, and beside the open gap', async () => {
    const { id, path, disconnect } = await aConnectedWorkspace(api)
    await disconnect()

    await tell(id, '10:00:00', '11:00:00')
    await tell(id, '12:00:00', '13:00:00')

    expect((await listed(path)).map(([from, , reason]) => [from, reason])).toEqual([
      ['12:00:00', 'deleted'],
      ['10:00:00', 'deleted'],
      [expect.any(String), 'disconnected'],
    ])
  })

  it('is not filled by a back-fill that covers it, which is done', async () => {
    const { id, path } = await aConnectedWorkspace(api)
    await tell(id, '10:00:00', '11:00:00')
    const range = { since: '2026-05-28T09:00:00.000Z', until: '2026-05-28T12:00:00.000Z' }

    const { body } = await api.call(`POST ${path}/backfills`, { body: { ...range, mode: 'gaps' } })

    expect(body).toMatchObject({ state: 'done', replayed: 0 })
    expect(await listed(path)).toEqual([['10:00:00', '11:00:00', 'deleted', null]])
    expect(await missedGaps(api.pool, id)).toEqual([])
  })

  it('is none of the connection: it neither moves nor hides the one that is', async () => {
    const { id, path } = await aConnectedWorkspace(api)
    await api.pool.query(
      `insert into gaps (workspace_id, from_at, to_at, reason) values ($1, $2, $3, 'suspended')`,
      [id, new Date(at('08:00:00')), new Date(at('09:00:00'))],
    )
    await tell(id, '10:00:00', '11:00:00')

    await extendGap(api.pool, id, { from: at('07:00:00'), until: null })

    expect(await listed(path)).toEqual([
      ['10:00:00', '11:00:00', 'deleted', null],
      ['07:00:00', '09:00:00', 'suspended', null],
    ])
    const [row] = await loadConnections(api.pool, [id])
    expect(row?.gapFrom).toEqual(new Date(at('07:00:00')))
  })

  it('of a workspace that is not there any more is none', async () => {
    await tell('removed', '10:00:00', '11:00:00')

    const { rows } = await api.pool.query(`select 1 from gaps where workspace_id = 'removed'`)
    expect(rows).toEqual([])
  })
})
