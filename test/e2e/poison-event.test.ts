import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { keyOf } from '../support/load.ts'
import { answer, failFirst, OK } from '../support/receiver.ts'
import { Rig } from '../support/rig.ts'
import { freshDatabase, freshPrefix, testStack, withoutPostgres } from '../support/stack.ts'

/** One event that nobody takes, and what customers and operators do while events wait. */
describe('events that wait', () => {
  const stack = testStack()
  let rig: Rig

  beforeAll(async () => {
    rig = await Rig.open({
      stack: stack.env,
      databaseUrl: await freshDatabase(),
      topicPrefix: freshPrefix(),
      // The third delay is longer than any of these tests: who waits for it waits for somebody.
      env: { DISPATCHER_RETRY_TIERS: '1s,2s,10m' },
    })
    await rig.startDispatcher()
  })
  afterAll(() => rig.close())

  const numbers = (workspaceId: string) => rig.receiver.of(workspaceId).map(keyOf)
  const gaps = (workspaceId: string) =>
    rig.query<{ from_at: Date; reason: string }>(
      'select from_at, reason from gaps where workspace_id = $1',
      [workspaceId],
    )

  /** The head has failed three times, and the lane is parked for minutes. */
  async function untilParkedForLong(workspaceId: string): Promise<void> {
    await eventually(async () => {
      expect(await rig.view.of(rig.view.names.retry('10m'), workspaceId)).toHaveLength(1)
    })
  }

  async function retryNow(workspaceId: string): Promise<void> {
    await rig.query(
      `update connections set retry_now_at = now(), version = version + 1
       where workspace_id = $1`,
      [workspaceId],
    )
  }

  it('follow a refused one after its three attempts, and nothing is suspended', async () => {
    await rig.connect(['poisoned'])
    rig.receiver.script('poisoned', (event) => (event.providerCallId === '2' ? answer(422) : OK))

    await rig.load.append('poisoned', 4)
    await rig.receiver.until(() => numbers('poisoned').includes('4'), 'the followers arrive')

    expect(numbers('poisoned')).toEqual(['1', '2', '2', '2', '3', '4'])
    const letters = await rig.view.of(rig.view.names.deadLetter, 'poisoned')
    expect(letters.map(({ headers }) => headers)).toMatchObject([
      { 'dead-reason': 'rejected', 'dead-attempts': '3', 'dead-last-status': '422' },
    ])
    await eventually(async () => expect(await rig.connectionState('poisoned')).toBe('connected'))
    expect(await gaps('poisoned')).toEqual([])
  })

  it('are in the gap when the customer disconnects, and are not delivered later', async () => {
    await rig.connect(['leaving'])
    rig.receiver.script('leaving', () => answer(500))
    await rig.load.append('leaving', 3)
    await untilParkedForLong('leaving')

    await rig.disconnect('leaving')
    await rig.untilSettled()

    const [first] = await rig.view.of(rig.log.topic, 'leaving')
    const [gap, ...others] = await gaps('leaving')
    expect(others).toEqual([])
    expect(gap).toEqual({ from_at: new Date(first?.timestamp ?? 0), reason: 'disconnected' })
    rig.receiver.script('leaving', () => OK)
    await rig.connect(['leaving'])
    await rig.load.append('leaving')
    await rig.receiver.until(() => numbers('leaving').includes('4'), 'the new call arrives')
    expect(numbers('leaving')).toEqual(['1', '1', '1', '4'])
  })

  it('are tried at once when somebody says so', async () => {
    await rig.connect(['mended'])
    rig.receiver.script('mended', failFirst(3))
    await rig.load.append('mended', 2)
    await untilParkedForLong('mended')

    await retryNow('mended')
    await rig.receiver.until(() => numbers('mended').includes('2'), 'the lane goes on')

    expect(numbers('mended')).toEqual(['1', '1', '1', '1', '2'])
  })

  it('go to a changed URL from the next attempt on', async () => {
    await rig.connect(['mover'])
    rig.receiver.script('mover', () => answer(404))
    await rig.load.append('mover', 2)
    await untilParkedForLong('mover')

    await rig.product.connect('mover', rig.receiver.url('new-place'))
    await retryNow('mover')
    await rig.receiver.until(() => numbers('new-place').includes('2'), 'the new place gets both')

    expect(numbers('mover')).toEqual(['1', '1', '1'])
    expect(rig.receiver.of('new-place').map(({ attempt }) => attempt)).toEqual([4, 1])
  })

  it('do not wait for Postgres when their connection is known', async () => {
    const workspaceIds = Array.from({ length: 6 }, (_, index) => `cached-${index}`)
    await rig.connect(workspaceIds)
    rig.load.start(workspaceIds, 100)
    await rig.receiver.until(
      () => rig.load.isFlowingSince(0, workspaceIds),
      'traffic flows to everybody',
    )

    await withoutPostgres(stack, async () => {
      const stoppedAt = Date.now()
      await rig.receiver.until(
        () => rig.load.isFlowingSince(stoppedAt, workspaceIds),
        'it flows without Postgres',
      )
    })
    const startedAt = Date.now()
    await rig.receiver.until(
      () => rig.load.isFlowingSince(startedAt, workspaceIds),
      'it flows with Postgres again',
    )
    await rig.load.stop()
    await rig.receiver.until(
      () => workspaceIds.every((id) => numbers(id).length >= (rig.load.sent.get(id)?.length ?? 0)),
      'everything arrives',
    )
    await rig.untilSettled()

    for (const workspaceId of workspaceIds) {
      expect(numbers(workspaceId)).toEqual(rig.load.sent.get(workspaceId))
    }
  })
})
