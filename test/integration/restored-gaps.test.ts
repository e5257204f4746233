import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../services/shared/clock.ts'
import { Foreigner } from '../hostile/foreigner.ts'
import { confirmRestore } from '../support/after-restore.ts'
import { minutes } from '../support/builders.ts'
import { eventually } from '../support/eventually.ts'
import { addPublished } from '../support/published-rows.ts'
import { Rig } from '../support/rig.ts'
import { freshPlace } from '../support/stack.ts'
import { makeTopicsAnew } from '../support/topics-anew.ts'

/** Log times are whole milliseconds, and one call is written before the copy and the next after it. */
const APART_MS = 20

interface GapRow {
  readonly reason: string
  readonly from: number
  readonly to: number | null
}

/** Workspaces that have been connected for hours, and calls that lie in the log; no dispatcher runs. */
async function openRig(workspaceIds: readonly string[]): Promise<Rig> {
  const rig = await Rig.open({ ...(await freshPlace()), env: { TOPIC_PARTITIONS: '1' } })
  await rig.connect(workspaceIds)
  await rig.query(`update connections set connected_at = now() - interval '5 hours'`)
  return rig
}

/** Answers its log time; the copy knows it as published, and as not delivered. */
async function publish(rig: Rig, workspaceId: string): Promise<number> {
  const at = await append(rig, workspaceId)
  await addPublished(rig, { workspaceId, number: 1, at: at + 1 })
  return at
}

async function append(rig: Rig, workspaceId: string): Promise<number> {
  await rig.load.append(workspaceId)
  const found = await rig.view.of(rig.log.topic, workspaceId)
  return found.at(-1)?.timestamp ?? 0
}

async function copyTakenAt(): Promise<number> {
  await systemClock.sleep(APART_MS)
  const at = Date.now()
  await systemClock.sleep(APART_MS)
  return at
}

function gapsOf(rig: Rig, workspaceId: string): Promise<GapRow[]> {
  return rig.query<GapRow>(
    `select reason, (extract(epoch from from_at) * 1000)::float8 as from,
       (extract(epoch from to_at) * 1000)::float8 as to
     from gaps where workspace_id = $1 order by from_at, to_at`,
    [workspaceId],
  )
}

/*
 * Timeline   waits 1, fails │ COPY │ left leaves; left 1, skipped; waits is suspended; all is settled │ RESTORED
 *            left is disconnected again, as the page says │ confirmed
 *
 * Proves     whoever may miss a call has a gap that holds it, also of a call that is older than the copy.
 */
describe('gaps of a database that is an older copy', () => {
  let rig: Rig
  let since: number
  let waitsAt: number
  let leftAt: number

  beforeAll(async () => {
    rig = await openRig(['waits', 'left', 'quiet'])
    waitsAt = await publish(rig, 'waits')
    since = await copyTakenAt()
    leftAt = await append(rig, 'left')
    const foreigner = await Foreigner.open(rig.product.env)
    await foreigner.commit(`${rig.product.env['TOPIC_PREFIX']}.dispatcher`, 1, 2)
    await foreigner.stop()
    await rig.disconnect('left')
    await confirmRestore(rig.product.env, '--postgres', '--since', new Date(since).toISOString())
  })
  afterAll(() => rig?.close())

  it('hold a call that waited in the copy and was given up since', async () => {
    const [gap, ...more] = await gapsOf(rig, 'waits')

    expect(more).toEqual([])
    expect(gap?.reason).toBe('restored')
    expect(gap?.from).toBeLessThanOrEqual(waitsAt)
    expect(gap?.to).toBeGreaterThanOrEqual(waitsAt)
  })

  it('hold what came for a customer who is disconnected again', async () => {
    const [gap, open] = await gapsOf(rig, 'left')

    expect(gap).toEqual({ reason: 'restored', from: leftAt, to: leftAt })
    expect(open).toMatchObject({ reason: 'disconnected', to: null })
  })

  it('are not made for whoever misses nothing', async () => {
    expect(await gapsOf(rig, 'quiet')).toEqual([])
  })
})

/*
 * Timeline   kyiv 1, fails │ COPY │ calls of which nobody knows any more │ BOTH LOST │ confirmed
 *
 * Proves     each workspace that was connected has a gap up to the new log, and nothing is said to be brought.
 */
describe('gaps when both stores are gone', () => {
  let rig: Rig
  let since: number
  let calledAt: number
  let lostAt: number

  beforeAll(async () => {
    rig = await openRig(['kyiv', 'quiet', 'gone'])
    await rig.disconnect('gone')
    await rig.query(`update gaps set from_at = now() - interval '1 hour'`)
    await eventually(async () => {
      const topics = await rig.query('select from known_topics where topic = $1', [rig.log.topic])
      expect(topics).toHaveLength(1)
    })
    calledAt = await publish(rig, 'kyiv')
    since = await copyTakenAt()
    const isLost = (topic: string) => topic === rig.log.topic
    await makeTopicsAnew(rig.product.env, { tiers: [], isLost })
    lostAt = Date.now()
  })
  afterAll(() => rig?.close())

  it('are not guessed: the time of the copy has to be said', async () => {
    const refused = confirmRestore(rig.product.env, '--kafka', '--postgres')

    await expect(refused).rejects.toThrow('--since 2026-11-20T00:00:00Z')
    expect(await gapsOf(rig, 'kyiv')).toEqual([])
  })

  it('hold what waited in the copy, and all that came since', async () => {
    const at = new Date(since).toISOString()
    const said = await confirmRestore(rig.product.env, '--kafka', '--postgres', '--since', at)

    expect(said).toContain('each of 2 workspaces has a gap for that time')
    const [waited, later, ...more] = await gapsOf(rig, 'kyiv')
    expect(more).toEqual([])
    expect(waited?.reason).toBe('deleted')
    expect(waited?.from).toBeLessThanOrEqual(calledAt)
    expect(waited?.to).toBeGreaterThanOrEqual(calledAt)
    expect(later).toMatchObject({ reason: 'deleted', from: since })
    expect(later?.to).toBeGreaterThanOrEqual(lostAt)
    expect(await gapsOf(rig, 'quiet')).toEqual([later])
  })

  it('of before hold nothing that can be brought', async () => {
    const [gone, open] = await gapsOf(rig, 'gone')

    expect(gone?.reason).toBe('deleted')
    expect(open).toEqual({ reason: 'disconnected', from: gone?.to, to: null })
    expect(gone?.from).toBeLessThan(calledAt - minutes(30))
  })
})
