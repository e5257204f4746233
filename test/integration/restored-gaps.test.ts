import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeMetadata } from '../../services/dispatcher/lane/commit-metadata.ts'
import { systemClock } from '../../services/shared/clock.ts'
import { createKafka } from '../../services/shared/kafka/client.ts'
import { GroupCoordinator, NOBODY } from '../../services/shared/kafka/group-coordinator.ts'
import { createKeptMark } from '../../services/shared/kafka/kept-mark.ts'
import { createClusterLink } from '../../services/shared/kafka/wire/cluster-link.ts'
import { confirmRestore } from '../support/after-restore.ts'
import { minutes, quiet } from '../support/builders.ts'
import { kafkaConfigOf } from '../support/event-log.ts'
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

/** What the dispatchers had dealt with of their one partition. */
async function commit(
  rig: Rig,
  { watermark, settledBeyond }: { watermark: number; settledBeyond: number[] },
): Promise<void> {
  const { env } = rig.product
  const link = createClusterLink({ kafka: kafkaOf(rig), logger: quiet })
  const links = { beats: link, commits: link, questions: link }
  const group = new GroupCoordinator(links, `${env['TOPIC_PREFIX']}.dispatcher`)
  const metadata = encodeMetadata(watermark, { clean: true, settledBeyond })
  const place = { topic: rig.log.topic, partition: 0, offset: watermark, metadata }
  await group.commit([place], NOBODY).finally(() => link.close())
}

function kafkaOf(rig: Rig) {
  return createKafka(kafkaConfigOf(rig.product.env), 'restore-test', quiet)
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
 * Timeline   waits 1, fails │ COPY │ slow 1, hangs; left leaves; left 1, skipped; waits is suspended │ RESTORED
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
    rig = await openRig(['waits', 'slow', 'left', 'quiet'])
    waitsAt = await publish(rig, 'waits')
    since = await copyTakenAt()
    await append(rig, 'slow')
    leftAt = await append(rig, 'left')
    await commit(rig, { watermark: 1, settledBeyond: [2] })
    await rig.disconnect('left')
    await confirm()
  })
  afterAll(() => rig?.close())

  const confirm = () =>
    confirmRestore(rig.product.env, '--postgres', '--since', new Date(since).toISOString())

  it('hold a call that waited in the copy and was given up since', async () => {
    const [gap, ...more] = await gapsOf(rig, 'waits')

    expect(more).toEqual([])
    expect(gap?.reason).toBe('restored')
    expect(gap?.from).toBeLessThanOrEqual(waitsAt)
    expect(gap?.to).toBeGreaterThan(waitsAt)
  })

  it('hold what came for a customer who is disconnected again', async () => {
    const [gap, open] = await gapsOf(rig, 'left')

    // A gap ends before its end: a back-fill brings the last call, too.
    expect(gap).toEqual({ reason: 'restored', from: leftAt, to: leftAt + 1 })
    expect(open).toMatchObject({ reason: 'disconnected', to: null })
  })

  it('are not made for whoever misses nothing', async () => {
    expect(await gapsOf(rig, 'quiet')).toEqual([])
  })

  it('can be filled again when they have become wider', async () => {
    await rig.query(`update gaps set backfilled_at = now() where reason = 'restored'`)
    await append(rig, 'left')
    await commit(rig, { watermark: 4, settledBeyond: [] })

    await confirm()

    const filled = `select workspace_id, backfilled_at is not null as filled from gaps
      where reason = 'restored' and workspace_id in ('left', 'waits') order by 1`
    expect(await rig.query(filled)).toEqual([
      { workspace_id: 'left', filled: false },
      { workspace_id: 'waits', filled: true },
    ])
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

  it('are not guessed from Kafka alone either, where a mark says that the copy is older', async () => {
    const link = createClusterLink({ kafka: kafkaOf(rig), logger: quiet })
    const { topic } = rig.log
    const kept = createKeptMark(link, { topicPrefix: rig.product.env['TOPIC_PREFIX'] ?? '', topic })
    await kept.keep({ id: randomUUID(), madeAt: Date.now() })
    const refused = confirmRestore(rig.product.env, '--kafka')

    await expect(refused).rejects.toMatchObject({
      stdout: expect.stringMatching(/^postgres_restored: .*--kafka --postgres --since/),
    })
    link.close()
  })

  it('hold what waited in the copy, and all that came since', async () => {
    const at = new Date(since).toISOString()
    const said = await confirmRestore(rig.product.env, '--kafka', '--postgres', '--since', at)

    expect(said).toContain('each of 2 workspaces has a gap for that time')
    const [kyiv, ...more] = await gapsOf(rig, 'kyiv')
    expect(more).toEqual([])
    expect(kyiv?.reason).toBe('deleted')
    expect(kyiv?.from).toBeLessThanOrEqual(calledAt)
    expect(kyiv?.to).toBeGreaterThanOrEqual(lostAt)
    expect(await gapsOf(rig, 'quiet')).toEqual([{ reason: 'deleted', from: since, to: kyiv?.to }])
  })

  it('of before hold nothing that can be brought', async () => {
    const [gone, open] = await gapsOf(rig, 'gone')

    expect(gone?.reason).toBe('deleted')
    expect(open).toEqual({ reason: 'disconnected', from: gone?.to, to: null })
    expect(gone?.from).toBeLessThan(calledAt - minutes(30))
  })

  it('are made also when Kafka was confirmed before', async () => {
    await rig.query(`delete from gaps where workspace_id = 'quiet'`)
    const at = new Date(since).toISOString()

    const said = await confirmRestore(rig.product.env, '--kafka', '--postgres', '--since', at)

    expect(said).toContain('nothing_to_confirm')
    expect(await gapsOf(rig, 'quiet')).toMatchObject([{ reason: 'deleted', from: since }])
  })
})
