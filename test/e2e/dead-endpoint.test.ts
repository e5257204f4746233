import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { keyOf } from '../support/load.ts'
import type { StoredRecord } from '../support/log-view.ts'
import { answer, OK, type Received } from '../support/receiver.ts'
import { Rig } from '../support/rig.ts'
import { freshPlace } from '../support/stack.ts'

/**
 * An endpoint that is dead for longer than the whole schedule:
 *
 *   call      1    2             3          4        5       6         7
 *             ok   4 attempts,   1 attempt: (waits)  (goes   live      live, after
 *                  dead letter   suspended           by)               the back-fill
 *                                └──────── one gap ───────┘
 *             │    └ back-fill ───────────────────────────┘│
 *             └ not again ─────────────────────────────────┘
 *
 * The steps are one story, each begins where the one before ended.
 */
describe('an endpoint that is dead for the whole schedule', () => {
  const workspaceId = 'dead'
  const tiersMs = [1_000, 2_000, 3_000]
  let rig: Rig

  beforeAll(async () => {
    rig = await Rig.open({
      ...(await freshPlace()),
      env: { DISPATCHER_RETRY_TIERS: '1s,2s,3s' },
    })
    await rig.connect([workspaceId])
    await rig.startDispatcher()
  })
  afterAll(() => rig.close())

  const attempts = (number: string): Received[] =>
    rig.receiver.of(workspaceId).filter((received) => keyOf(received) === number)
  const gaps = () =>
    rig.query<{ from_at: Date; to_at: Date | null; reason: string }>(
      'select from_at, to_at, reason from gaps where workspace_id = $1',
      [workspaceId],
    )
  const logged = (): Promise<readonly StoredRecord[]> => rig.view.of(rig.log.topic, workspaceId)

  it('gets its attempts exactly when the tiers say', async () => {
    await rig.load.append(workspaceId)
    await rig.receiver.until(() => attempts('1').length === 1, 'the first call arrives')
    rig.receiver.script(workspaceId, () => answer(503))
    await rig.load.append(workspaceId, 3)
    await rig.receiver.until(() => attempts('3').length === 1, 'the schedule is through', 60_000)

    const tried = attempts('2')
    expect(tried.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4])
    tiersMs.forEach((tierMs, index) => {
      const delayMs = (tried[index + 1]?.at ?? 0) - (tried[index]?.at ?? 0)
      expect(delayMs).toBeGreaterThanOrEqual(tierMs * 0.9)
      expect(delayMs).toBeLessThanOrEqual(tierMs * 1.1 + 250)
    })
  })

  it('leaves one dead letter, which tells its whole history', async () => {
    const letters = await rig.view.of(rig.view.names.deadLetter, workspaceId)
    const [, buried] = await logged()

    expect(letters).toHaveLength(1)
    expect(letters[0]?.partition).toBe(buried?.partition)
    expect(letters[0]?.value).toEqual(buried?.value)
    const { 'dead-first-failed-at': firstFailedAt, ...headers } = letters[0]?.headers ?? {}
    expect(headers).toEqual({
      'dead-reason': 'attempts_exhausted',
      'dead-attempts': '4',
      'dead-event-id': attempts('2')[0]?.event.eventId,
      'dead-last-status': '503',
      'dead-last-error': 'server_error',
      'dead-origin-offset': String(buried?.offset),
    })
    expect(Number(firstFailedAt) - (attempts('2')[0]?.at ?? 0)).toBeLessThan(1_000)
    expect(Number(firstFailedAt)).toBeGreaterThanOrEqual(attempts('2')[0]?.at ?? 0)
  })

  it('is suspended by its next failure, with one gap from there on and no more attempts', async () => {
    await eventually(async () => {
      expect(await rig.connectionState(workspaceId)).toBe('suspended')
    })
    await rig.load.append(workspaceId)
    await rig.untilSettled()

    const [, , firstMissed] = await logged()
    expect(await gaps()).toEqual([
      { from_at: new Date(firstMissed?.timestamp ?? 0), to_at: null, reason: 'suspended' },
    ])
    expect(rig.receiver.of(workspaceId).map(keyOf)).toEqual(['1', '2', '2', '2', '2', '3'])
  })

  it('gets new calls, and only those, once it is connected again', async () => {
    rig.receiver.script(workspaceId, () => OK)
    await rig.connect([workspaceId])
    await rig.load.append(workspaceId)
    await rig.receiver.until(() => attempts('6').length === 1, 'the live call arrives')

    expect(rig.receiver.of(workspaceId).slice(6).map(keyOf)).toEqual(['6'])
    const [gap, ...others] = await gaps()
    expect(others).toEqual([])
    expect(gap?.to_at).not.toBeNull()
  })

  it('gets what it missed by a back-fill, in order, before what comes meanwhile', async () => {
    // Slow enough that the live call is in the log long before the back-fill is through.
    rig.receiver.script(workspaceId, () => answer(200, 300))
    const before = rig.receiver.of(workspaceId).length
    const replayed = () => rig.receiver.of(workspaceId).slice(before)
    await askForBackFill()
    await rig.receiver.until(() => replayed().length > 0, 'the back-fill begins')
    await rig.load.append(workspaceId)
    await rig.receiver.until(() => attempts('7').length === 1, 'the live call arrives')

    const seen = replayed().map((received) => [keyOf(received), isReplay(received)])
    expect(seen).toEqual([
      ['2', true],
      ['3', true],
      ['4', true],
      ['5', true],
      ['7', false],
    ])
    expect(rig.verdict()).toMatchObject({ lost: [], overlaps: 0, duplicates: 0 })
    await rig.untilSettled()
  })

  /** Everything from the first call until now that the customer has not got. */
  async function askForBackFill(): Promise<void> {
    const [first] = await logged()
    await rig.product.api('POST', `/v1/workspaces/${workspaceId}/backfills`, {
      since: new Date(first?.timestamp ?? 0),
      until: new Date(),
      mode: 'gaps',
    })
  }
})

function isReplay({ headers }: Received): boolean {
  return headers['webhook-replay'] === 'true'
}
