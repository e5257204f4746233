import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { removeBefore } from '../support/day-of-calls.ts'
import { kafkaConfigOf } from '../support/event-log.ts'
import { eventually } from '../support/eventually.ts'
import { keyOf } from '../support/load.ts'
import { answer, OK } from '../support/receiver.ts'
import { Rig } from '../support/rig.ts'
import { freshPlace } from '../support/stack.ts'

interface Gap {
  readonly from: string
  readonly to: string | null
  readonly reason: string
  readonly backfilledAt: string | null
}

/** More than a parked lane keeps in memory: the rest it reads from the log once it goes on. */
const CALLS = 30
const LEFT_FROM = 25

/**
 * An endpoint is down for longer than the log keeps its calls:
 *
 *   call    1          2 … 11          12 … 24           25 … 30
 *           parked     in memory       deleted           left
 *                                └────── a gap ────────┘
 *
 * The steps are one story, each begins where the one before ended.
 */
describe('calls that left the log while their endpoint was down', () => {
  const workspaceId = 'too-late'
  const path = `/v1/workspaces/${workspaceId}`
  let rig: Rig

  beforeAll(async () => {
    rig = await Rig.open({ ...(await freshPlace()), env: { DISPATCHER_RETRY_TIERS: '3s,6s' } })
    await rig.connect([workspaceId])
    await rig.startDispatcher()
  })
  afterAll(() => rig.close())

  const gaps = async () => (await rig.product.api<{ items: Gap[] }>('GET', `${path}/gaps`)).items

  it('are a gap, and what is left comes in order', async () => {
    // Slow to refuse, so that all calls wait behind the first before its lane is parked.
    rig.receiver.script(workspaceId, () => answer(503, 1_000))
    await rig.load.append(workspaceId, CALLS)
    await eventually(async () => {
      expect((await rig.view.laneRecords()).map(({ key }) => key)).toEqual([workspaceId])
    })
    const logged = await rig.view.of(rig.log.topic, workspaceId)
    const { partition = 0, offset = 0, timestamp: leftAt = 0 } = logged[LEFT_FROM - 1] ?? {}
    await removeBefore(kafkaConfigOf(rig.product.env), { topic: rig.log.topic, partition, offset })
    rig.receiver.script(workspaceId, () => OK)
    await rig.receiver.until(
      () => rig.receiver.of(workspaceId).some((one) => keyOf(one) === String(CALLS)),
      'the last call arrives',
    )

    const delivered = rig.receiver.delivered.map(keyOf).map(Number)
    const lost = range(1, CALLS).filter((call) => !delivered.includes(call))
    const lastBefore = Math.min(...lost) - 1
    expect(delivered).toEqual([...range(1, lastBefore), ...range(LEFT_FROM, CALLS)])
    expect(await gaps()).toEqual([
      {
        id: expect.any(String),
        from: new Date(logged[lastBefore - 1]?.timestamp ?? 0).toISOString(),
        to: new Date(leftAt).toISOString(),
        reason: 'deleted',
        backfilledAt: null,
      },
    ])
  })

  it('are passed over by a back-fill, which is done, and their gap is not filled', async () => {
    const [gap] = await gaps()
    const before = rig.receiver.of(workspaceId).length
    const range = { since: gap?.from, until: new Date().toISOString(), mode: 'gaps' }

    const { id } = await rig.product.api<{ id: string }>('POST', `${path}/backfills`, range)

    await eventually(async () => {
      const { state } = await rig.product.api<{ state: string }>('GET', `${path}/backfills/${id}`)
      expect(state).toBe('done')
    })
    expect(rig.receiver.of(workspaceId)).toHaveLength(before)
    expect(await gaps()).toEqual([gap])
  })

  it('hold nothing up: new calls come', async () => {
    await rig.load.append(workspaceId, 2)

    await rig.receiver.until(
      () => rig.receiver.delivered.some((one) => keyOf(one) === String(CALLS + 2)),
      'the newest call arrives',
    )
    await rig.untilSettled()
  })
})

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index)
}
