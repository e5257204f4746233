import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { keyOf } from '../support/load.ts'
import { answer, OK, type Received } from '../support/receiver.ts'
import { Rig } from '../support/rig.ts'
import { freshPlace } from '../support/stack.ts'

interface Backfill {
  readonly id: string
  readonly state: string
  readonly replayed: number
}

interface DeadLetter {
  readonly eventId: string
}

interface Gap {
  readonly from: string
  readonly to: string | null
  readonly backfilledAt: string | null
}

const GAP = 1_000

/**
 * What a customer has missed is brought by the console, a real dispatcher and a real log, while new
 * calls go on coming in. The steps are one story, each begins where the one before ended.
 */
describe('what was missed', () => {
  const workspaceId = 'missed'
  const path = `/v1/workspaces/${workspaceId}`
  let rig: Rig

  beforeAll(async () => {
    rig = await Rig.open({
      ...(await freshPlace()),
      env: { DISPATCHER_RETRY_TIERS: '1s,2s,30s' },
    })
    await rig.connect([workspaceId])
    await rig.startDispatcher()
    await rig.load.append(workspaceId, 3)
    await rig.untilDelivered(30_000)
  })
  afterAll(() => rig.close())

  const sentCount = () => rig.load.sent.get(workspaceId)?.length ?? 0
  const received = () => rig.receiver.of(workspaceId)
  const api = <T>(method: string, of: string, body?: unknown) =>
    rig.product.api<T>(method, `${path}/${of}`, body)
  const backfillOf = (id: string) => api<Backfill>('GET', `backfills/${id}`)
  const newestGap = async () => (await api<{ items: Gap[] }>('GET', 'gaps')).items[0] as Gap

  /** Disconnected, so many calls, connected again. Answers their numbers. */
  async function aGapOf(count: number): Promise<string[]> {
    const before = sentCount()
    await rig.disconnect(workspaceId)
    const first = await untilHeard()
    await rig.load.append(workspaceId, count - first)
    // What is read only after the reconnect would pass for new by its few seconds' tolerance.
    await rig.untilSettled()
    await rig.connect([workspaceId])
    return numbers(before + 1, before + count)
  }

  /** Calls until the dispatcher, which is told a moment later, sends none. Answers how many. */
  async function untilHeard(count = 1): Promise<number> {
    await rig.load.append(workspaceId)
    await rig.untilSettled()
    const last = received().at(-1)
    const isSent = last !== undefined && keyOf(last) === String(sentCount())
    return isSent ? untilHeard(count + 1) : count
  }

  async function fill({ from, to }: Gap): Promise<Backfill> {
    return api('POST', 'backfills', { since: from, until: to, mode: 'gaps' })
  }

  it('comes in order, once, before newer calls, and its progress is told', async () => {
    const missed = await aGapOf(GAP)
    rig.receiver.script(workspaceId, () => answer(200, 2))
    const before = received().length
    const { id, state } = await fill(await newestGap())
    rig.load.start([workspaceId], 20)
    const seen: number[] = []
    await eventually(async () => {
      const { state: now, replayed } = await backfillOf(id)
      seen.push(replayed)
      expect(now).toBe('done')
    }, 60_000)
    await rig.load.stop()
    await rig.untilDelivered(30_000)

    expect(state).toBe('queued')
    const after = received().slice(before)
    const live = after.length - missed.length
    expect(live).toBeGreaterThan(20)
    expect(after.map(keyOf)).toEqual([...missed, ...numbers(3 + GAP + 1, 3 + GAP + live)])
    expect(after.map(isReplay)).toEqual([
      ...missed.map(() => true),
      ...numbers(1, live).map(() => false),
    ])
    expect(seen.at(-1)).toBe(GAP)
    expect(seen.some((replayed) => replayed > 0 && replayed < GAP)).toBe(true)
    expect((await newestGap()).backfilledAt).not.toBeNull()
    // What was still sent before the dispatcher had heard of the disconnect lies in the gap, too.
    const early = received()
      .slice(0, before)
      .filter((one) => missed.includes(keyOf(one)))
    expect(early.map(keyOf)).toEqual(missed.slice(0, early.length))
    expect(rig.verdict()).toMatchObject({ lost: [], overlaps: 0, duplicates: early.length })
  }, 120_000)

  it('has been brought: the same gap again brings nothing', async () => {
    const before = received().length

    const { id } = await fill(await newestGap())
    await eventually(async () => expect((await backfillOf(id)).state).toBe('done'))

    expect(received()).toHaveLength(before)
  })

  it('stops coming when it is cancelled, and new calls go on in order', async () => {
    const missed = await aGapOf(GAP)
    rig.receiver.script(workspaceId, () => answer(200, 10))
    const before = received().length
    const came = (kind: 'replay' | 'live') =>
      received()
        .slice(before)
        .filter((one) => isReplay(one) === (kind === 'replay'))
    const { id } = await fill(await newestGap())
    rig.load.start([workspaceId], 50)
    await rig.receiver.until(() => came('replay').length > 50, 'the back-fill is under way')

    const { state } = await api<Backfill>('DELETE', `backfills/${id}`)
    const cancelledAt = Date.now()
    await rig.receiver.until(() => came('live').length > 0, 'new calls come', 2_000)
    await rig.receiver.until(() => came('live').length > 50, 'new calls go on')
    await rig.load.stop()

    const live = numbers(Number(missed.at(-1)) + 1, sentCount())
    await eventually(() => expect(came('live').map(keyOf)).toEqual(live))
    expect(state).toBe('cancelled')
    const replayed = came('replay')
    expect(replayed.map(keyOf)).toEqual(missed.slice(0, replayed.length))
    expect(replayed.length).toBeLessThan(GAP / 2)
    expect((replayed.at(-1)?.at ?? 0) - cancelledAt).toBeLessThan(2_000)
    expect((await backfillOf(id)).state).toBe('cancelled')
    expect((await newestGap()).backfilledAt).toBeNull()
  }, 120_000)

  it('as a dead letter comes again when it is asked for, once', async () => {
    const dead = String(sentCount() + 1)
    rig.receiver.script(workspaceId, (event) => (event.providerCallId === dead ? answer(422) : OK))
    await rig.load.append(workspaceId, 2)
    await rig.receiver.until(() => received().at(-1)?.event.providerCallId !== dead, 'the next one')
    const letters = () => api<{ items: DeadLetter[] }>('GET', 'dead-letters')
    await eventually(async () => expect((await letters()).items).toHaveLength(1))
    const { eventId } = (await letters()).items[0] as DeadLetter
    rig.receiver.script(workspaceId, () => OK)
    const before = received().length

    const { backfillId } = await api<{ backfillId: string }>(
      'POST',
      `dead-letters/${eventId}/resend`,
    )
    await expect(api('POST', `dead-letters/${eventId}/resend`)).rejects.toThrow(/409/)
    await rig.load.append(workspaceId)
    await eventually(async () => expect((await backfillOf(backfillId)).state).toBe('done'))
    await rig.receiver.until(() => received().length >= before + 2, 'the live call arrives')

    const after = received().slice(before)
    expect(after.map((one) => [keyOf(one), isReplay(one)])).toContainEqual([dead, true])
    expect(after.map(keyOf).sort()).toEqual([dead, String(sentCount())])
    expect(await backfillOf(backfillId)).toMatchObject({ replayed: 1 })
    expect((await letters()).items).toMatchObject([{ eventId, resentAt: expect.any(String) }])
  })
})

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => String(from + index))
}

function isReplay({ headers }: Received): boolean {
  return headers['webhook-replay'] === 'true'
}
