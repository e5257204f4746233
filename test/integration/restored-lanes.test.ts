import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { partitionOfKey } from '../../services/shared/kafka/partitioner.ts'
import { confirmRestore } from '../support/after-restore.ts'
import { eventually } from '../support/eventually.ts'
import { addPublished } from '../support/published-rows.ts'
import { answer, OK } from '../support/receiver.ts'
import { Rig } from '../support/rig.ts'
import { freshPlace } from '../support/stack.ts'
import { makeTopicsAnew } from '../support/topics-anew.ts'

const KYIV = 'kyiv'
/** In the partition of `kyiv`, and in the other one. */
const [BESIDE = '', ELSEWHERE = ''] = [true, false].map((isBeside) =>
  ['lviv', 'odesa', 'poltava', 'sumy', 'rivne'].find(
    (id) => (partitionOfKey(id, 2) === partitionOfKey(KYIV, 2)) === isBeside,
  ),
)

/*
 * Timeline   partition of kyiv   kyiv 1, fails: in a lane │ beside 1, hangs │ kyiv 2, settled: the lane covers it
 *            the other one       elsewhere 1, hangs (the first of all)
 *            then                KILLED │ retry topics made anew, the log is kept │ confirmed
 *
 * Proves     what the lanes held is in a gap that a back-fill can bring, and what they covered is read again.
 */
describe('retry topics that were made anew', () => {
  let rig: Rig

  beforeAll(async () => {
    const env = {
      TOPIC_PARTITIONS: '2',
      DISPATCHER_RETRY_TIERS: '1h',
      // Longer than all of the story until the dispatcher is killed.
      DISPATCHER_REQUEST_TIMEOUT_MS: '15000',
      DISPATCHER_SESSION_TIMEOUT_MS: '6000',
    }
    rig = await Rig.open({ ...(await freshPlace()), env })
    const { receiver } = rig
    await rig.connect([KYIV, BESIDE, ELSEWHERE])
    const dispatcher = await rig.startDispatcher()
    for (const workspaceId of [BESIDE, ELSEWHERE])
      receiver.script(workspaceId, () => ({ kind: 'hang' }))
    receiver.script(KYIV, () => answer(503))
    await publish(ELSEWHERE)
    await receiver.until(() => receiver.of(ELSEWHERE).length === 1, 'elsewhere hangs')
    await publish(KYIV)
    await eventually(async () => expect(await rig.view.laneRecords()).toHaveLength(1))
    await publish(BESIDE)
    await receiver.until(() => receiver.of(BESIDE).length === 1, 'beside hangs')
    await publish(KYIV)
    await eventually(async () => {
      const left = await rig.view.unsettled(await rig.view.read(rig.log.topic))
      expect(left.map(({ key }) => key).toSorted()).toEqual([BESIDE, ELSEWHERE].toSorted())
    })
    await dispatcher.kill()
    for (const workspaceId of [KYIV, BESIDE, ELSEWHERE]) receiver.script(workspaceId, () => OK)
    const isLost = (topic: string) => topic.startsWith(rig.view.names.retry(''))
    await makeTopicsAnew(rig.product.env, { tiers: ['1h'], isLost })
  })
  afterAll(() => rig?.close())

  async function publish(workspaceId: string): Promise<void> {
    await rig.load.append(workspaceId)
    const number = rig.load.sent.get(workspaceId)?.length ?? 0
    await addPublished(rig, { workspaceId, number, at: Date.now() })
  }

  it('leave a gap that holds the call of the lane, and is delivered later if asked for', async () => {
    // Until Kafka has noticed that the one that was killed is gone.
    const said = await eventually(() => confirmRestore(rig.product.env, '--kafka'), 40_000)

    expect(said).toContain('a back-fill of these gaps brings them')
    const [first] = await rig.view.of(rig.log.topic, KYIV)
    const gaps = await rig.query<{ reason: string; from_at: Date; to_at: Date }>(
      'select reason, from_at, to_at from gaps where workspace_id = $1',
      [KYIV],
    )
    expect(gaps).toMatchObject([{ reason: 'restored' }])
    expect(gaps[0]?.from_at.getTime()).toBeLessThanOrEqual(first?.timestamp ?? 0)
    expect(gaps[0]?.to_at.getTime()).toBeGreaterThanOrEqual(first?.timestamp ?? Infinity)
  })

  it('let all be delivered that the lane covered, and that was under way', async () => {
    await rig.startDispatcher()

    const numbers = (workspaceId: string) =>
      rig.receiver.delivered
        .filter((request) => request.workspaceId === workspaceId)
        .map(({ event }) => event.providerCallId)
    await eventually(() => {
      expect(numbers(BESIDE)).toEqual(['1'])
      expect(numbers(ELSEWHERE)).toEqual(['1'])
      expect(numbers(KYIV)).toEqual(['2'])
    }, 60_000)
  })

  it('let a back-fill of the gap bring what the lane held', async () => {
    const [gap] = (
      await rig.product.api<{ items: { from: string; to: string }[] }>(
        'GET',
        `/v1/workspaces/${KYIV}/gaps`,
      )
    ).items
    await rig.product.api('POST', `/v1/workspaces/${KYIV}/backfills`, {
      since: gap?.from,
      until: gap?.to,
      mode: 'gaps',
    })

    const isBrought = () =>
      rig.receiver.delivered.some((r) => r.workspaceId === KYIV && r.event.providerCallId === '1')
    await rig.receiver.until(isBrought, 'the call of the lane is brought')
  })
})
