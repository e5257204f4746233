import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { confirmRestore } from '../support/after-restore.ts'
import { minutes } from '../support/builders.ts'
import { eventually } from '../support/eventually.ts'
import { addPublished } from '../support/published-rows.ts'
import { Rig } from '../support/rig.ts'
import { freshPlace } from '../support/stack.ts'
import { makeTopicsAnew } from '../support/topics-anew.ts'

/*
 * Timeline   a gap, filled │ a gap │ lviv leaves │ a back-fill, a call told in parts │ KAFKA LOST │ confirmed
 *
 * Proves     nothing in the tables promises what only the log that is gone could bring.
 */
describe('what tables say of a log that was made anew', () => {
  let rig: Rig
  const confirmedAfter = Date.now()
  const ago = (ms: number) => new Date(confirmedAfter - ms)

  beforeAll(async () => {
    rig = await Rig.open({ ...(await freshPlace()), env: { TOPIC_PARTITIONS: '1' } })
    await rig.connect(['kyiv', 'lviv', 'odesa', 'rivne'])
    await rig.query('update connections set connected_at = $1', [ago(minutes(60 * 5))])
    await eventually(async () => {
      const known = await rig.query('select topic from known_topics where topic = $1', [
        rig.log.topic,
      ])
      expect(known).toHaveLength(1)
    })
    await rig.query(
      `insert into gaps (workspace_id, from_at, to_at, reason, backfilled_at) values
         ('kyiv', $1, $2, 'disconnected', $2), ('kyiv', $3, $4, 'suspended', null),
         ('lviv', $4, null, 'disconnected', null)`,
      [ago(minutes(60 * 4)), ago(minutes(60 * 3)), ago(minutes(60 * 2)), ago(minutes(60 * 1))],
    )
    await rig.query(
      `insert into backfills (id, workspace_id, since, until, mode, state, asked_at) values
         ('bf_runs', 'kyiv', $1, $2, 'all', 'running', now()),
         ('bf_waits', 'kyiv', $1, $2, 'all', 'queued', now()),
         ('bf_done', 'kyiv', $1, $2, 'all', 'done', now())`,
      [ago(minutes(60 * 4)), ago(minutes(60 * 3))],
    )
    await addPublished(rig, {
      workspaceId: 'rivne',
      number: 1,
      at: confirmedAfter - minutes(60),
    })
    await rig.query(
      `insert into gaps (workspace_id, from_at, to_at, reason) values ('rivne', $1, $2, 'disconnected')`,
      [ago(minutes(30)), ago(minutes(20))],
    )
    await rig.query(`update connections set connected_at = $1 where workspace_id = 'rivne'`, [
      ago(minutes(20)),
    ])
    const eventId = await addPublished(rig, {
      workspaceId: 'odesa',
      number: 1,
      at: confirmedAfter - minutes(10),
    })
    await rig.query(`update published_events set fingerprint = '\\x01' where event_id = $1`, [
      eventId,
    ])
    await rig.query(
      `insert into held_sessions (source_id, session_id, workspace_id, provider, settings_sealed,
         timezone, default_country, closed, revision, fingerprint)
       values ('src', 'gone', 'odesa', 'stream-telecom', '', 'Europe/Kyiv', 'UA', true, 1, '\\x01'),
              ('src', 'delivered', 'odesa', 'stream-telecom', '', 'Europe/Kyiv', 'UA', true, 1, '\\x02')`,
    )
    await makeTopicsAnew(rig.product.env, {
      tiers: [],
      isLost: (topic) => topic === rig.log.topic,
    })
    await confirmRestore(rig.product.env, '--kafka')
  })
  afterAll(() => rig?.close())

  const gapsOf = async (workspaceId: string) => {
    const path = `/v1/workspaces/${workspaceId}/gaps`
    return (await rig.product.api<{ items: unknown[] }>('GET', path)).items
  }

  it('tells of a gap whose calls are gone that nobody can bring them', async () => {
    expect(await gapsOf('kyiv')).toMatchObject([
      { from: ago(minutes(60 * 2)).toISOString(), reason: 'deleted', backfilledAt: null },
      {
        from: ago(minutes(60 * 4)).toISOString(),
        reason: 'disconnected',
        to: ago(minutes(60 * 3)).toISOString(),
      },
    ])
  })

  it('cuts a gap that is open in two: only what comes now can be brought', async () => {
    const [gone, open] = await rig.query<{ reason: string; from_at: Date; to_at: Date | null }>(
      `select reason, from_at, to_at from gaps where workspace_id = 'lviv' order by from_at`,
    )

    expect(gone).toMatchObject({ reason: 'deleted', from_at: ago(minutes(60 * 1)) })
    expect(open).toMatchObject({ reason: 'disconnected', from_at: gone?.to_at, to_at: null })
    expect(gone?.to_at?.getTime()).toBeGreaterThan(confirmedAfter)
  })

  it('tells of a call that waited for a customer who connected again before it was confirmed', async () => {
    const found = await rig.query(
      `select from gaps where workspace_id = 'rivne' and reason = 'deleted'
         and from_at <= $1 and to_at > $1`,
      [ago(minutes(60))],
    )

    expect(found).toHaveLength(1)
  })

  it('fails the back-fills that were to go on', async () => {
    expect(await rig.query('select id, state from backfills order by id')).toEqual([
      { id: 'bf_done', state: 'done' },
      { id: 'bf_runs', state: 'failed' },
      { id: 'bf_waits', state: 'failed' },
    ])
  })

  it('takes the parts of a call that is gone for new when they are told again', async () => {
    const found = await rig.query(
      'select session_id, fingerprint is null as forgotten from held_sessions order by session_id',
    )

    expect(found).toEqual([
      { session_id: 'delivered', forgotten: false },
      { session_id: 'gone', forgotten: true },
    ])
  })
})
