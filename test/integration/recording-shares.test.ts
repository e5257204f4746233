import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRecordingChecks } from '../../services/normalizer/recordings/recording-checks.ts'
import { type Clock, systemClock } from '../../services/shared/clock.ts'
import { createDatabaseGuard } from '../../services/shared/postgres/database-guard.ts'
import type { Pool } from '../../services/shared/postgres/pool.ts'
import {
  claimDueChecks,
  countChecks,
  planChecks,
  postponeCheck,
  removeChecks,
} from '../../services/shared/postgres/recording-checks.ts'
import { recordingCheckPlace } from '../../services/shared/sealed-places.ts'
import { eventually } from '../support/eventually.ts'
import { openMigratedPool } from '../support/migrated-pool.ts'
import { box, callFacts, quiet } from '../support/normalizer-fakes.ts'

/** A workspace whose files hang must not make the others wait for theirs. */

let pool: Pool

beforeAll(async () => {
  pool = await openMigratedPool()
})
afterAll(() => pool.end())

function aCheck(workspaceId: string, host: string) {
  const callId = `call_${randomUUID()}`
  const recordingUrl = `https://${host}/${callId}.mp3`
  const facts = callFacts({ provider: 'phonet', recordingStatus: 'pending', recordingUrl })
  const event = { ...facts, eventId: 'evt_1', workspaceId, callId }
  const eventSealed = box.seal(JSON.stringify(event), recordingCheckPlace(callId))
  return { callId, provider: 'phonet', workspaceId, host, eventSealed, dueInMs: 0 } as const
}

/** Looks of `hostile` hang until the service stops; all others find their file at once. */
function startChecks(clock: Clock) {
  const looked: string[] = []
  const underWay = { now: 0, most: 0 }
  const published: string[] = []
  const checks = createRecordingChecks({
    store: {
      plan: async (check) => (await planChecks(pool, [check]))[0] === true,
      claimDue: (shares) => claimDueChecks(pool, { ...shares, leaseMs: 120_000 }),
      postpone: (check) => postponeCheck(pool, check),
      remove: async (callId) => (await removeChecks(pool, [callId])) === 1,
      count: () => countChecks(pool),
    },
    async look(url, stopped) {
      looked.push(new URL(url).host)
      if (url.includes('hostile')) {
        underWay.now += 1
        underWay.most = Math.max(underWay.most, underWay.now)
        await new Promise((resolve) => stopped.addEventListener('abort', resolve, { once: true }))
        underWay.now -= 1
        return { kind: 'unreachable' }
      }
      return { kind: 'answered', status: 200, contentType: 'audio/mpeg', length: 1_000 }
    },
    publisher: {
      async publish(event) {
        published.push(event.workspaceId)
        return { kind: 'published', eventId: event.eventId }
      },
    },
    box,
    delaysMs: [0, 60_000],
    allowHttp: false,
    onOutcome: () => {},
    guard: createDatabaseGuard({ clock, logger: quiet }),
    clock,
    logger: quiet,
  })
  return { checks, looked, underWay, published }
}

describe('late recordings', () => {
  it('of a neighbour are told while 120 of one workspace hang', async () => {
    await planChecks(
      pool,
      Array.from({ length: 120 }, (_, n) => aCheck('ws_hostile', `hostile-${n % 60}.example`)),
    )
    const { checks, underWay, published } = startChecks(systemClock)
    const looking = checks.lookForDue()
    await eventually(() => expect(underWay.now).toBeGreaterThan(0))

    await planChecks(pool, [aCheck('ws_neighbour', 'files.example')])
    const began = performance.now()
    await eventually(() => expect(published).toEqual(['ws_neighbour']), 10_000)
    const ms = Math.round(performance.now() - began)

    checks.stop()
    await looking
    expect(underWay).toEqual({ now: 0, most: 2 })
    expect(ms).toBeLessThan(10_000)
  })

  it('hold four places of a host, of which one workspace has two', async () => {
    await pool.query('delete from recording_checks')
    const of = (workspaceId: string) =>
      Array.from({ length: 5 }, () => aCheck(workspaceId, 'hostile.example'))
    await planChecks(pool, [...of('ws_1'), ...of('ws_2'), ...of('ws_3')])
    const claim = (
      ofWorkspaces: ReadonlyMap<string, number>,
      ofHosts: ReadonlyMap<string, number>,
    ) =>
      claimDueChecks(pool, {
        limit: 40,
        leaseMs: 60_000,
        perWorkspace: 2,
        ofWorkspaces,
        perHost: 4,
        ofHosts,
      })

    const first = await claim(new Map(), new Map([['hostile.example', 1]]))
    const none = await claim(new Map(), new Map([['hostile.example', 4]]))
    const one = await claim(
      new Map([
        ['ws_1', 2],
        ['ws_2', 1],
        ['ws_3', 2],
      ]),
      new Map(),
    )

    expect(first).toHaveLength(3)
    expect(none).toEqual([])
    expect(one.map(({ workspaceId }) => workspaceId)).toEqual(['ws_2'])
  })

  it('of a workspace that are beyond its share leave the places of a host to others', async () => {
    await pool.query('delete from recording_checks')
    const older = Array.from({ length: 5 }, () => aCheck('ws_1', 'shared.example'))
    await planChecks(pool, [
      ...older.map((check) => ({ ...check, dueInMs: -60_000 })),
      aCheck('ws_2', 'shared.example'),
    ])

    const claimed = await claimDueChecks(pool, {
      limit: 40,
      leaseMs: 60_000,
      perWorkspace: 2,
      ofWorkspaces: new Map(),
      perHost: 4,
      ofHosts: new Map(),
    })

    const of = claimed.map(({ workspaceId }) => workspaceId)
    expect(of.sort()).toEqual(['ws_1', 'ws_1', 'ws_2'])
  })

  it('of one workspace do not fill the table for all', async () => {
    await pool.query(
      `insert into recording_checks (call_id, provider, workspace_id, event_sealed, due_at)
       select 'many-' || n, 'phonet', 'ws_many', 'sealed', now() + interval '1 hour'
         from generate_series(1, 5000) as n`,
    )

    const planned = await planChecks(pool, [
      aCheck('ws_many', 'files.example'),
      aCheck('ws_few', 'files.example'),
    ])

    expect(planned).toEqual([false, true])
  })
})
