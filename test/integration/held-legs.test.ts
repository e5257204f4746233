import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Secret } from '../../services/shared/config.ts'
import {
  leaseDueSessions,
  markSessionsPublished,
  postponeSessions,
  type StoredLeg,
  storeLegs,
} from '../../services/shared/postgres/held-legs.ts'
import { migrate } from '../../services/shared/postgres/migrate.ts'
import { createPool, type Pool } from '../../services/shared/postgres/pool.ts'
import { quiet } from '../support/builders.ts'
import { freshDatabase } from '../support/stack.ts'

const LEASE_MS = 60_000

describe('due sessions', () => {
  let pool: Pool

  beforeAll(async () => {
    const databaseUrl = new Secret(await freshDatabase())
    await migrate(databaseUrl, quiet)
    pool = createPool({ databaseUrl, applicationName: 'test', connectionsMax: 8, logger: quiet })
  })
  afterAll(() => pool.end())

  const lease = async (limit = 100) => {
    const sessions = await leaseDueSessions(pool, { limit, leaseMs: LEASE_MS })
    return sessions.toSorted((a, b) => (a.sessionId < b.sessionId ? -1 : 1))
  }
  const ids = (sessions: readonly { sessionId: string }[]) =>
    sessions.map(({ sessionId }) => sessionId)
  const close = (workspaceId: string, sessionId: string) =>
    storeLegs(pool, [closingLeg(workspaceId, sessionId)])

  it('of a workspace wait while an earlier one is published by another replica', async () => {
    await close('ws_1', 'a')
    const first = await lease()
    await close('ws_1', 'b')
    await close('ws_2', 'c')

    expect(ids(first)).toEqual(['a'])
    expect(ids(await lease())).toEqual(['c'])
    await markSessionsPublished(pool, first.map(published))
    expect(ids(await lease())).toEqual(['b'])
  })

  it('of a workspace are all taken by one of many replicas that look together', async () => {
    for (const id of ['d', 'e', 'f', 'g']) await close('ws_3', id)

    const looks = await Promise.all(Array.from({ length: 6 }, () => lease()))

    expect(looks.map((taken) => taken.length).toSorted()).toEqual([0, 0, 0, 0, 0, 4])
  })

  it('go ahead of one that could not be published', async () => {
    await close('ws_4', 'h')
    const failed = await lease()
    await close('ws_4', 'i')

    await postponeSessions(pool, { sessions: failed, delayMs: 60_000 })

    expect(ids(failed)).toEqual(['h'])
    expect(ids(await lease())).toEqual(['i'])
  })
})

function closingLeg(workspaceId: string, sessionId: string): StoredLeg {
  return {
    sourceId: `source-of-${workspaceId}`,
    sessionId,
    workspaceId,
    provider: 'stream-telecom',
    settingsSealed: 'sealed',
    timezone: 'Europe/Kyiv',
    defaultCountry: 'UA',
    legId: 'leg',
    legSealed: 'sealed',
    closing: true,
    windowMs: 60_000,
  }
}

function published(session: { sourceId: string; sessionId: string; version: string }) {
  return { ...session, revision: 1, fingerprint: Buffer.from('facts') }
}
