import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  leaseDueSessions,
  markSessionsPublished,
  postponeSessions,
} from '../../services/shared/postgres/held-legs.ts'
import type { Pool } from '../../services/shared/postgres/pool.ts'
import { type StoredLeg, storeLegs } from '../../services/shared/postgres/store-legs.ts'
import { openMigratedPool } from '../support/migrated-pool.ts'

const LEASE_MS = 60_000

let pool: Pool

beforeAll(async () => {
  pool = await openMigratedPool()
})
afterAll(() => pool.end())

describe('due sessions', () => {
  const lease = async (limit = 100, bytesMax = 1_000_000) => {
    const sessions = await leaseDueSessions(pool, { limit, bytesMax, leaseMs: LEASE_MS })
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

  it('are taken by the bytes of their legs as well, but at least one', async () => {
    for (const id of ['j', 'k', 'l']) {
      await storeLegs(pool, [{ ...closingLeg('ws_5', id), legSealed: 'x'.repeat(1_000) }])
    }

    const first = await lease(100, 2_500)
    await markSessionsPublished(pool, first.map(published))
    const second = await lease(100, 10)

    expect(ids(first)).toEqual(['j', 'k'])
    expect(ids(second)).toEqual(['l'])
  })
})

describe('due sessions of one workspace, however many', () => {
  it('leave the next one its turn', async () => {
    for (const id of ['m', 'n', 'o']) await storeLegs(pool, [closingLeg('ws_7', id)])
    await storeLegs(pool, [closingLeg('ws_8', 'p')])

    const leased = await leaseDueSessions(pool, { limit: 2, bytesMax: 1_000, leaseMs: LEASE_MS })

    expect(leased.map(({ sessionId }) => sessionId)).toEqual(['m', 'p'])
  })
})

describe('a session', () => {
  const leg = (sessionId: string, legId: string, bytes = 10): StoredLeg => {
    return { ...closingLeg('ws_6', sessionId), legId, legSealed: 'x'.repeat(bytes) }
  }
  const store = async (legs: readonly StoredLeg[]) =>
    (await storeLegs(pool, legs)).filter((stored) => stored === 'held').length

  it('holds 200 legs; those that are told again count once, those of others go on', async () => {
    const legs = Array.from({ length: 150 }, (_, n) => leg('many', `${n}`))

    expect(await store(legs)).toBe(150)
    expect(await store(legs)).toBe(150)
    const more = Array.from({ length: 150 }, (_, n) => leg('many', `more-${n}`))
    expect(await storeLegs(pool, [...more, leg('other', '1'), leg('many', '149')])).toEqual([
      ...Array.from({ length: 50 }, () => 'held'),
      ...Array.from({ length: 100 }, () => 'session_full'),
      'held',
      'session_full',
    ])
    const [many] = await leaseDueSessions(pool, { limit: 1, bytesMax: 1, leaseMs: LEASE_MS })
    expect(many?.legsSealed).toHaveLength(200)
  })

  it('holds 256 KB of legs', async () => {
    const legs = Array.from({ length: 6 }, (_, n) => leg('large', `${n}`, 50_000))

    expect(await store(legs)).toBe(5)
    expect(await store([leg('large', '0', 40_000), leg('large', '9', 20_000)])).toBe(2)
  })
})

describe('open sessions of a workspace', () => {
  it('are 10,000: further ones are not opened, what is open goes on, and so do others', async () => {
    await pool.query(
      `insert into held_sessions (source_id, session_id, workspace_id, provider, settings_sealed,
         timezone, default_country, closed, due_at, published_at)
       select 'source-of-ws_9', 'open-' || n, 'ws_9', 'stream-telecom', 'sealed', 'UTC', 'UA', false,
              case when n < 9999 then now() + interval '1 hour' end, now()
         from generate_series(0, 10999) as n`,
    )
    const told = ['q', 'r', 'open-1', 'open-10000'].map((id) => closingLeg('ws_9', id))

    const stored = await storeLegs(pool, [...told, closingLeg('ws_10', 's')])

    // One place was left: which of those that open takes it is decided by their ids.
    expect(stored).toEqual(['sessions_full', 'sessions_full', 'held', 'held', 'held'])
    const full = await storeLegs(pool, [closingLeg('ws_9', 't'), closingLeg('ws_9', 'open-9998')])
    expect(full).toEqual(['sessions_full', 'held'])
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
